#pragma once
// Sweeps of small experiments, run and collected in a folder.

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/store/hdf5_write.hpp"
#include "ecphory/store/provenance.hpp"
#include "ecphory/sweep/collect.hpp"
#include "ecphory/sweep/part.hpp"
#include "ecphory/sweep/run.hpp"

namespace ecphory::tests {

using Run = decltype(sweep::Experiment::run);

/// An experiment with one whole number n.
inline sweep::Experiment experiment_of(Run run) {
  return {.name = "toy",
          .title = "toy",
          .parameters = {{"n", std::int64_t{0}, "1", "a number", {}}},
          .run = std::move(run)};
}

inline sweep::Plan plan_of(std::vector<std::int64_t> numbers, Run run,
                           std::optional<std::int64_t> replicates = {},
                           const std::optional<sweep::StopRule>& stop = {}) {
  return sweep::make_plan(experiment_of(std::move(run)), 1, {},
                          {.factors = {sweep::Axis{"n", {numbers.begin(), numbers.end()}}}}, replicates,
                          stop);
}

inline std::vector<std::int64_t> up_to(std::int64_t n) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(n));
  std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
  return numbers;
}

inline std::int64_t n_of(const base::Point& point) { return base::get<std::int64_t>(point, "n"); }

/// A number without dimensions.
inline store::LabelledArray number(std::string name, double value) {
  return store::scalar(std::move(name), value, "1", "");
}

/// Runs what is missing of a part of a plan.
inline sweep::Report run_part(const sweep::Plan& plan, const std::filesystem::path& folder,
                              const sweep::Part& part = {}, sweep::RunOptions options = {}) {
  const sweep::PlanFile file =
      sweep::open_sweep(folder, plan, "", store::attributes_of({.experiment = "toy"}));
  const sweep::Ledger ledger = sweep::survey(file, sweep::Look::closely);
  std::vector<std::size_t> runs = sweep::runs_of(plan, part);
  std::erase_if(runs, [&](std::size_t run) { return ledger.status[run] != sweep::RunStatus::missing; });
  options.name = sweep::name_of(part);
  return sweep::run(plan, runs, ledger, folder, options);
}

/// The collected file of a folder, read back.
inline store::Dataset collected(const sweep::Plan& plan, const std::filesystem::path& folder,
                                sweep::Storage storage = sweep::Storage::copied) {
  const sweep::PlanFile file = sweep::read_plan(folder);
  const std::filesystem::path path = folder / "collected.file";
  store::write(path, sweep::collect(plan, sweep::survey(file, sweep::Look::closely), storage, folder),
               {.existing = store::Existing::replace});
  return store::read(path);
}

/// A whole sweep.
inline store::Dataset swept(const sweep::Plan& plan, const std::filesystem::path& folder,
                            const sweep::RunOptions& options = {}) {
  run_part(plan, folder, {}, options);
  return collected(plan, folder);
}

template <class T>
const std::vector<T>& values(const store::Dataset& dataset, const std::string& name) {
  return std::get<std::vector<T>>(dataset.at(name).values);
}

/// Equal bit for bit; NaN equals NaN.
inline bool same_bits(const store::Dataset& a, const store::Dataset& b) {
  return std::ranges::equal(a.arrays, b.arrays, [](const auto& x, const auto& y) {
    if (x.name != y.name || x.dimensions != y.dimensions || x.shape != y.shape ||
        x.values.index() != y.values.index())
      return false;
    return std::visit(
        [&]<class V>(const V& v) {
          const V& w = std::get<V>(y.values);
          if constexpr (requires { std::is_arithmetic_v<typename V::value_type>; }) {
            if constexpr (std::is_arithmetic_v<typename V::value_type>)
              return v.size() == w.size() && std::memcmp(v.data(), w.data(), v.size() * sizeof(v[0])) == 0;
          }
          return v == w;
        },
        x.values);
  });
}

}  // namespace ecphory::tests
