#include "ecphory/sweep/run.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <numeric>
#include <stdexcept>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/store/hdf5_write.hpp"

#include "temporary_folder.hpp"

using namespace ecphory;

namespace {

/// Draws numbers, squares n, and throws at n = 13.
store::Dataset draw(const base::Point& point, const base::RandomKey& key,
                    const std::shared_ptr<store::Scratch>&) {
  const std::int64_t n = base::get<std::int64_t>(point, "n");
  if (n == 13) throw std::runtime_error("thirteen");
  std::vector<double> x(6);
  base::RandomStream(key, base::Purpose("toy")).normals(0, std::span(x));
  return {.arrays = {
              store::coordinate("time", std::vector<double>{0, 1}, "ms", "time"),
              {.name = "x", .dimensions = {"time", "neuron"}, .shape = {2, 3}, .values = x, .units = "mV"},
              {.name = "square", .dimensions = {}, .shape = {}, .values = std::vector<std::int64_t>{n * n}},
          }};
}

sweep::Plan plan_of(std::vector<std::int64_t> numbers, std::optional<std::int64_t> replicates = {},
                    decltype(sweep::Experiment::run) run = draw) {
  const sweep::Experiment toy{
      .name = "toy",
      .title = "toy",
      .parameters = {{"n", std::int64_t{0}, "1", "a number", {}}},
      .run = std::move(run),
  };
  return sweep::make_plan(toy, 1, {}, {{"n", {numbers.begin(), numbers.end()}}}, replicates);
}

std::vector<std::int64_t> up_to(std::int64_t n) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(n));
  std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
  return numbers;
}

/// Equal bit for bit; NaN equals NaN.
bool same_bits(const store::Dataset& a, const store::Dataset& b) {
  return std::ranges::equal(a.arrays, b.arrays, [](const auto& x, const auto& y) {
    if (x.name != y.name || x.shape != y.shape || x.values.index() != y.values.index()) return false;
    return std::visit(
        [&]<class T>(const std::vector<T>& v) {
          const auto& w = std::get<std::vector<T>>(y.values);
          if constexpr (!std::is_arithmetic_v<T>) return v == w;
          return v.size() == w.size() && std::memcmp(v.data(), w.data(), v.size() * sizeof(T)) == 0;
        },
        x.values);
  });
}

}  // namespace

TEST_CASE("results stand at their point of the grid, before their own dimensions") {
  const sweep::Plan plan = plan_of({3, 1, 2}, 2);
  const sweep::Result result = sweep::run(plan, {});
  CHECK(result.done == 6);
  const auto& x = result.dataset.at("x");
  CHECK(x.dimensions == std::vector<std::string>{"n", "replicate", "time", "neuron"});
  CHECK(x.shape == std::vector<std::size_t>{3, 2, 2, 3});
  CHECK(x.units == "mV");
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const store::Dataset alone = draw(plan.point(i), plan.random_key(i), nullptr);
    const auto& expected = std::get<std::vector<double>>(alone.at("x").values);
    const auto& all = std::get<std::vector<double>>(x.values);
    CHECK(std::equal(expected.begin(), expected.end(), all.begin() + static_cast<std::ptrdiff_t>(6 * i)));
  }
  CHECK(std::get<std::vector<std::int64_t>>(result.dataset.at("square").values) ==
        std::vector<std::int64_t>{9, 9, 1, 1, 4, 4});
  CHECK(std::get<std::vector<std::int64_t>>(result.dataset.at("n").values) ==
        std::vector<std::int64_t>{3, 1, 2});
  CHECK(result.dataset.at("time").is_coordinate());
}

TEST_CASE("the bits do not depend on threads, order or repetition") {
  const sweep::Plan plan = plan_of(up_to(50), 3);
  const store::Dataset reference = sweep::run(plan, {.threads = 1}).dataset;
  CHECK(same_bits(reference, sweep::run(plan, {.threads = 1}).dataset));
  CHECK(same_bits(reference, sweep::run(plan, {.threads = 2}).dataset));
  CHECK(same_bits(reference, sweep::run(plan, {.threads = 5}).dataset));
  std::vector<std::size_t> order(plan.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [](std::size_t i) { return base::mix64(i); });
  CHECK(same_bits(reference, sweep::run(plan, {.threads = 2, .order = order}).dataset));
}

TEST_CASE("a point that throws is recorded and stops nothing") {
  const sweep::Plan plan = plan_of({12, 13, 14});
  const sweep::Result result = sweep::run(plan, {.threads = 2});
  CHECK(result.done == 2);
  REQUIRE(result.failures.size() == 1);
  CHECK(result.failures[0].index == 1);
  CHECK(result.failures[0].message == "thirteen");
  CHECK(std::get<std::vector<std::uint8_t>>(result.dataset.at("status").values) ==
        std::vector<std::uint8_t>{1, 2, 1});
  const auto& x = std::get<std::vector<double>>(result.dataset.at("x").values);
  CHECK(std::all_of(x.begin() + 6, x.begin() + 12, [](double value) { return std::isnan(value); }));
  CHECK(std::none_of(x.begin(), x.begin() + 6, [](double value) { return std::isnan(value); }));
}

TEST_CASE("cancelling keeps what is done and marks the rest as missing") {
  base::CancellationToken cancel;
  const sweep::Plan plan = plan_of(up_to(20));
  const sweep::Result result =
      sweep::run(plan, {.threads = 1, .cancel = &cancel, .on_progress = [&](std::size_t done, std::size_t) {
                          if (done == 5) cancel.request(SIGINT);
                        }});
  CHECK(result.done == 5);
  const auto& status = std::get<std::vector<std::uint8_t>>(result.dataset.at("status").values);
  CHECK(std::count(status.begin(), status.end(), 1) == 5);
  CHECK(std::count(status.begin(), status.end(), 0) == 15);
}

TEST_CASE("a shape that changes from point to point fails that point; a bug comes through") {
  const auto changing = [](const base::Point& point, const base::RandomKey&,
                           const std::shared_ptr<store::Scratch>&) -> store::Dataset {
    const auto n = static_cast<std::size_t>(base::get<std::int64_t>(point, "n"));
    return {.arrays = {{.name = "x", .dimensions = {"k"}, .shape = {n}, .values = std::vector<double>(n)}}};
  };
  const sweep::Result result = sweep::run(plan_of({2, 3}, {}, changing), {.threads = 1});
  REQUIRE(result.failures.size() == 1);
  CHECK(result.failures[0].message.find("another shape") != std::string::npos);

  const auto buggy = [](const base::Point&, const base::RandomKey&,
                        const std::shared_ptr<store::Scratch>&) -> store::Dataset {
    throw base::Bug("oops");
  };
  CHECK_THROWS_AS(sweep::run(plan_of({2, 3}, {}, buggy), {.threads = 2}), base::Bug);
}

TEST_CASE("spooled arrays take the rows of the longest point; what is not there is NaN") {
  const auto spooling = [](const base::Point& point, const base::RandomKey&,
                           const std::shared_ptr<store::Scratch>& scratch) -> store::Dataset {
    const std::int64_t n = base::get<std::int64_t>(point, "n");
    if (n == 2) throw std::runtime_error("two");
    auto spool = std::make_shared<store::Spool>(scratch, 1, 1);
    for (std::int64_t k = 0; k < n; ++k) spool->append(0, std::vector{10.0 * static_cast<double>(n)});
    return {.arrays = {{.name = "x",
                        .dimensions = {"trajectory", "sample"},
                        .shape = {1, static_cast<std::size_t>(n)},
                        .values = std::vector{store::Spooled{spool}}}}};
  };
  const tests::TemporaryFolder folder;
  const sweep::Result result =
      sweep::run(plan_of({1, 3, 2}, {}, spooling), {.threads = 2, .scratch = folder.path()});
  CHECK(std::filesystem::is_empty(folder.path()));
  store::write(folder.path() / "x.h5", result.dataset, {});
  const store::Dataset read = store::read(folder.path() / "x.h5");
  CHECK(read.at("x").shape == std::vector<std::size_t>{3, 1, 3});
  const auto& x = std::get<std::vector<double>>(read.at("x").values);
  CHECK(x[0] == 10);
  CHECK(std::isnan(x[1]));
  CHECK(std::vector(x.begin() + 3, x.begin() + 6) == std::vector{30.0, 30.0, 30.0});
  CHECK(std::all_of(x.begin() + 6, x.end(), [](double value) { return std::isnan(value); }));
}
