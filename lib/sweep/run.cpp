#include "ecphory/sweep/run.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <numeric>
#include <optional>

#include <fmt/format.h>
#include <omp.h>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/blas.hpp"

namespace ecphory::sweep {
namespace {

/// `n` fill values of the same type as `like`.
store::Values filled(const store::Values& like, std::size_t n) {
  return std::visit(
      [&]<class T>(const std::vector<T>& values) -> store::Values {
        if constexpr (std::is_floating_point_v<T>)
          return std::vector<T>(n, std::numeric_limits<T>::quiet_NaN());
        if constexpr (std::is_same_v<T, store::Spooled>) {
          store::Spooled nothing = values.front();
          nothing.spool = nullptr;
          return std::vector<T>(n, nothing);
        }
        return std::vector<T>(n);
      },
      like);
}

/// Collects the arrays of single runs into arrays over the grid.
class Collector {
 public:
  explicit Collector(const Plan& plan) : plan_(plan), statuses_(plan.size()) {}

  void add(std::size_t index, const store::Dataset& result) {
    if (collected_.arrays.empty()) allocate(result);
    base::ensure(result.arrays.size() == collected_.arrays.size(), "every point gives the same arrays");
    for (std::size_t i = 0; i < result.arrays.size(); ++i) {
      const store::LabelledArray& from = result.arrays[i];
      store::LabelledArray& to = collected_.arrays[i];
      if (from.is_coordinate()) {
        base::ensure(from.values == to.values, "every point gives the same coordinates: " + from.name);
        continue;
      }
      base::ensure(from.name == to.name && from.values.index() == to.values.index(),
                   "every point gives the same arrays: " + from.name);
      make_room(from, to);
      const std::vector<std::size_t> own_shape(
          to.shape.end() - static_cast<std::ptrdiff_t>(from.shape.size()), to.shape.end());
      if (own_shape != shape_with_rows_of(from, to)) {
        throw base::UserError(
            {.problem = fmt::format("{} has another shape at this point than elsewhere", from.name),
             .remedy = "do not sweep a setting that changes the shape of what is recorded"});
      }
      std::visit(
          [&]<class T>(const std::vector<T>& values) {
            std::copy(values.begin(), values.end(),
                      std::get<std::vector<T>>(to.values).begin() +
                          static_cast<std::ptrdiff_t>(index * values.size()));
          },
          from.values);
    }
    statuses_[index] = static_cast<std::uint8_t>(PointStatus::done);
  }

  void mark_failed(std::size_t index) { statuses_[index] = static_cast<std::uint8_t>(PointStatus::failed); }

  store::Dataset take() {
    store::Dataset dataset;
    const std::vector<std::string> dimensions = plan_.dimensions();
    for (std::size_t i = 0; i < plan_.axes.size(); ++i)
      dataset.arrays.push_back(axis_coordinate(i, dimensions[i]));
    dataset.arrays.push_back({.name = "status",
                              .dimensions = dimensions,
                              .shape = plan_.shape(),
                              .values = std::move(statuses_),
                              .long_name = "whether the point was run",
                              .attributes = {{"flag_values", std::vector<std::uint8_t>{0, 1, 2}},
                                             {"flag_meanings", std::string("missing done failed")}}});
    std::move(collected_.arrays.begin(), collected_.arrays.end(), std::back_inserter(dataset.arrays));
    return dataset;
  }

 private:
  /// The axis of the rows of a spooled array, counted from the last; nothing for others.
  static std::optional<std::size_t> rows_from_end(const store::LabelledArray& array) {
    const auto* const parts = std::get_if<std::vector<store::Spooled>>(&array.values);
    if (parts == nullptr) return std::nullopt;
    return parts->front().rank() - 1;
  }

  /// Spooled arrays take the rows of the longest.
  static void make_room(const store::LabelledArray& from, store::LabelledArray& to) {
    if (const auto axis = rows_from_end(from)) {
      std::size_t& rows = to.shape[to.shape.size() - *axis];
      rows = std::max(rows, from.shape[from.shape.size() - *axis]);
    }
  }

  static std::vector<std::size_t> shape_with_rows_of(const store::LabelledArray& from,
                                                     const store::LabelledArray& to) {
    std::vector<std::size_t> shape = from.shape;
    if (const auto axis = rows_from_end(from))
      shape[shape.size() - *axis] = to.shape[to.shape.size() - *axis];
    return shape;
  }

  void allocate(const store::Dataset& first) {
    store::Dataset collected = first;  // ours only when all of it fits into memory
    const std::vector<std::string> dimensions = plan_.dimensions();
    const std::vector<std::size_t> shape = plan_.shape();
    for (store::LabelledArray& array : collected.arrays) {
      base::ensure(std::find(dimensions.begin(), dimensions.end(), array.name) == dimensions.end(),
                   "an experiment's array may not be named like a swept key: " + array.name);
      if (array.is_coordinate()) continue;
      array.dimensions.insert(array.dimensions.begin(), dimensions.begin(), dimensions.end());
      array.shape.insert(array.shape.begin(), shape.begin(), shape.end());
      array.values = filled(array.values, plan_.size() * store::size_of(array.values));
    }
    collected_ = std::move(collected);
  }

  store::LabelledArray axis_coordinate(std::size_t i, const std::string& dimension) const {
    const Axis& axis = plan_.axes[i];
    const base::Parameter& parameter = base::find_parameter(plan_.experiment.parameters, axis.key);
    store::Values values = std::visit(
        [&]<class T>(const T&) -> store::Values {
          std::vector<std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>> list;
          for (const base::Value& value : axis.values) list.push_back(std::get<T>(value));
          return list;
        },
        axis.values.front());
    return store::coordinate(dimension, std::move(values), parameter.unit, parameter.meaning);
  }

  const Plan& plan_;
  std::vector<std::uint8_t> statuses_;
  store::Dataset collected_;
};

/// What came of one run: its arrays, the message of what it threw, or what ends the whole sweep.
struct Outcome {
  std::optional<store::Dataset> arrays = {};
  std::string message = {};
  std::exception_ptr bug = {};
};

Outcome run_one(const Plan& plan, std::size_t index, const std::shared_ptr<store::Scratch>& scratch) {
  try {
    return {.arrays = plan.experiment.run(plan.point(index), plan.random_key(index), scratch)};
  } catch (const base::Bug&) {
    return {.bug = std::current_exception()};
  } catch (const std::exception& error) {
    return {.message = error.what()};
  }
}

/// While it lives, OpenMP uses this many threads (0: as many as before).
class ThreadCount {
 public:
  explicit ThreadCount(int threads) : before_(omp_get_max_threads()) {
    if (threads > 0) omp_set_num_threads(threads);
  }
  ~ThreadCount() { omp_set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

}  // namespace

Result run(const Plan& plan, const RunOptions& options) {
  const std::size_t n = plan.size();
  std::vector<std::size_t> order = options.order;
  if (order.empty()) {
    order.resize(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
  }
  base::ensure(order.size() == n, "the order is a permutation of the runs");

  const compute::SingleThreadedBlas one_blas_thread;
  const ThreadCount threads(options.threads);
  const auto scratch = std::make_shared<store::Scratch>(options.scratch);
  Collector collector(plan);
  Result result;
  std::exception_ptr bug;
  std::atomic<bool> broken = false;

#pragma omp parallel for schedule(dynamic) if (n > 1)
  for (std::size_t i = 0; i < n; ++i) {
    if (broken || (options.cancel != nullptr && options.cancel->requested())) continue;
    const std::size_t index = order[i];
    Outcome outcome = run_one(plan, index, scratch);
#pragma omp critical(ecphory_sweep_collect)
    {
      if (outcome.arrays) {
        try {
          collector.add(index, *outcome.arrays);
          ++result.done;
        } catch (const base::UserError& error) {
          outcome.message = error.what();
        } catch (...) {  // a bug, or no memory: no exception may leave a parallel region
          outcome.bug = std::current_exception();
        }
      }
      if (outcome.bug) {
        bug = outcome.bug;
        broken = true;
      }
      if (!outcome.message.empty()) {
        collector.mark_failed(index);
        result.failures.push_back({index, outcome.message});
      }
      if (options.on_progress)
        options.on_progress(result.done + result.failures.size(), result.failures.size());
    }
  }
  if (bug) std::rethrow_exception(bug);

  std::sort(result.failures.begin(), result.failures.end(),
            [](const Failure& a, const Failure& b) { return a.index < b.index; });
  result.dataset = collector.take();
  if (const store::LabelledArray* const failed = result.dataset.find(kFailedParts)) {
    const auto& counts = std::get<std::vector<std::int64_t>>(failed->values);
    result.failed_parts = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  }
  return result;
}

}  // namespace ecphory::sweep
