#include "ecphory/sweep/collect.hpp"

#include <cmath>
#include <stdexcept>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

#include "sweep/toy.hpp"
#include "temporary_folder.hpp"

using namespace ecphory;
using tests::n_of;
using tests::plan_of;
using tests::values;
namespace fs = std::filesystem;

namespace {

/// n numbers, n words, and a coordinate of their own.
store::Dataset growing(const base::Point& point, const sweep::RunContext&) {
  const auto n = static_cast<std::size_t>(n_of(point));
  std::vector<double> x(2 * n);
  std::iota(x.begin(), x.end(), 10.0 * static_cast<double>(n));
  return {.arrays = {
              {.name = "x", .dimensions = {"pair", "k"}, .shape = {2, n}, .values = x},
              {.name = "word",
               .dimensions = {"k"},
               .shape = {n},
               .values = std::vector<std::string>(n, std::to_string(n))},
              {.name = "count", .dimensions = {"k"}, .shape = {n}, .values = std::vector<std::int64_t>(n, 7)},
              {.name = "flag", .dimensions = {}, .shape = {}, .values = std::vector<std::uint8_t>{1}},
              {.name = "small", .dimensions = {}, .shape = {}, .values = std::vector<float>{0.5F}}}};
}

/// Two samples of a time axis that n stretches.
store::Dataset stretched(const base::Point& point, const sweep::RunContext&) {
  const auto n = static_cast<double>(n_of(point));
  return {.arrays = {store::coordinate("time", std::vector{0.0, n}, "ms", "time"),
                     {.name = "x", .dimensions = {"time"}, .shape = {2}, .values = std::vector{1.0, n}}}};
}

/// Collects a plan done in parts.
store::Dataset in_parts(const sweep::Plan& plan, const fs::path& folder, std::size_t parts,
                        sweep::Storage storage = sweep::Storage::copied) {
  for (std::size_t i = 1; i <= parts; ++i) tests::run_part(plan, folder, {i, parts});
  return tests::collected(plan, folder, storage);
}

}  // namespace

TEST_CASE("arrays take the largest extents of all points; what a point lacks is filled") {
  const tests::TemporaryFolder folder;
  const sweep::Plan plan = plan_of({1, 3, 2}, growing);
  const store::Dataset one = tests::swept(plan, folder.path() / "one");
  CHECK(one.at("x").shape == std::vector<std::size_t>{3, 2, 3});
  const auto& x = values<double>(one, "x");
  CHECK(x[0] == 10);
  CHECK(std::isnan(x[1]));
  CHECK(x[3] == 11);
  CHECK(std::vector(x.begin() + 6, x.begin() + 12) == std::vector{30.0, 31.0, 32.0, 33.0, 34.0, 35.0});
  CHECK(values<std::string>(one, "word") ==
        std::vector<std::string>{"1", "", "", "3", "3", "3", "2", "2", ""});
  CHECK(values<std::int64_t>(one, "count") == std::vector<std::int64_t>{7, 0, 0, 7, 7, 7, 7, 7, 0});
  for (const std::size_t parts : {2UL, 3UL})
    CHECK(tests::same_bits(one, in_parts(plan, folder.path() / std::to_string(parts), parts)));
}

TEST_CASE("a coordinate that points do not share becomes a variable, wherever the shards part them") {
  const tests::TemporaryFolder folder;
  const sweep::Plan plan = plan_of({2, 2 + 3, 2 + 4}, stretched);
  const store::Dataset one = tests::swept(plan, folder.path() / "one");
  CHECK(one.at("time_of_point").dimensions == std::vector<std::string>{"n", "time"});
  CHECK(one.at("time_of_point").units == "ms");
  CHECK(values<double>(one, "time_of_point") == std::vector{0.0, 2.0, 0.0, 5.0, 0.0, 6.0});
  CHECK(values<double>(one, "x") == std::vector{1.0, 2.0, 1.0, 5.0, 1.0, 6.0});
  for (const std::size_t parts : {2UL, 3UL})
    CHECK(tests::same_bits(one, in_parts(plan, folder.path() / std::to_string(parts), parts)));

  const sweep::Plan same = plan_of({4}, stretched, 3);
  CHECK(in_parts(same, folder.path() / "same", 2).at("time").is_coordinate());
}

TEST_CASE("names that resemble the bookkeeping's own are kept") {
  const tests::TemporaryFolder folder;
  const auto named = [](const base::Point& point, const sweep::RunContext&) -> store::Dataset {
    const auto n = static_cast<double>(n_of(point));
    return {.arrays = {tests::number("recorded", n), tests::number("x", 2 * n),
                       tests::number("x_of_point", 3 * n)}};
  };
  const store::Dataset result = tests::swept(plan_of({1, 2}, named), folder.path() / "x");
  CHECK(values<double>(result, "recorded") == std::vector{1.0, 2.0});
  CHECK(values<double>(result, "x") == std::vector{2.0, 4.0});
  CHECK(values<double>(result, "x_of_point") == std::vector{3.0, 6.0});
}

TEST_CASE("points that are no grid stand in one dimension, with the swept keys beside them") {
  const tests::TemporaryFolder folder;
  sweep::Experiment experiment = tests::experiment_of(growing);
  experiment.parameters.push_back({"model.gain", 1.0, "mV", "gain", {}});
  const std::vector<base::Value> numbers = {std::int64_t{1}, std::int64_t{2}};
  const sweep::Plan plan = sweep::make_plan(
      experiment, 1, {}, {.factors = {sweep::Zip{{{"n", numbers}, {"model.gain", {3.0, 4.0}}}}}}, 2);
  const store::Dataset result = tests::swept(plan, folder.path() / "x");
  CHECK(result.at("x").dimensions == std::vector<std::string>{"point", "replicate", "pair", "k"});
  CHECK(result.at("n").dimensions == std::vector<std::string>{"point"});
  CHECK(values<double>(result, "gain") == std::vector{3.0, 4.0});
  CHECK(result.at("gain").units == "mV");
  CHECK(result.at("gain").attributes.empty());
  REQUIRE(result.at("x").attributes.size() == 1);
  CHECK(result.at("x").attributes[0].first == "coordinates");
  CHECK(std::get<std::string>(result.at("x").attributes[0].second) == "n gain");
}

TEST_CASE("spooled arrays are collected as any other; what is not there is NaN") {
  const tests::TemporaryFolder folder;
  const auto spooling = [](const base::Point& point, const sweep::RunContext& context) -> store::Dataset {
    const std::int64_t n = n_of(point);
    if (n == 2) throw std::runtime_error("two");
    auto spool = std::make_shared<store::Spool>(context.scratch, 1, 1);
    for (std::int64_t k = 0; k < n; ++k) spool->append(0, std::vector{10.0 * static_cast<double>(n)});
    return {.arrays = {{.name = "x",
                        .dimensions = {"trajectory", "sample"},
                        .shape = {1, static_cast<std::size_t>(n)},
                        .values = std::vector{store::Spooled{spool}}}}};
  };
  const sweep::Plan plan = plan_of({1, 3, 2}, spooling);
  const store::Dataset one = tests::swept(plan, folder.path() / "one");
  CHECK(one.at("x").shape == std::vector<std::size_t>{3, 1, 3});
  const auto& x = values<double>(one, "x");
  CHECK(x[0] == 10);
  CHECK(std::isnan(x[1]));
  CHECK(std::vector(x.begin() + 3, x.begin() + 6) == std::vector{30.0, 30.0, 30.0});
  CHECK(std::all_of(x.begin() + 6, x.end(), [](double value) { return std::isnan(value); }));
  CHECK(tests::same_bits(one, in_parts(plan, folder.path() / "three", 3)));
}

TEST_CASE("arrays of many blocks are collected from many shards, more than are open at once") {
  const tests::TemporaryFolder folder;
  constexpr std::size_t kRow = 40'000;  // 320 kB: three runs to a chunk
  const auto large = [](const base::Point& point, const sweep::RunContext& context) -> store::Dataset {
    std::vector<double> x(kRow);
    base::RandomStream(context.key, base::Purpose("x")).uniforms(0, std::span(x));
    x[0] = static_cast<double>(n_of(point));
    return {.arrays = {{.name = "x", .dimensions = {"i"}, .shape = {kRow}, .values = std::move(x)}}};
  };
  const sweep::Plan plan = plan_of(tests::up_to(70), large);
  const store::Dataset one = tests::swept(plan, folder.path() / "one");
  const auto& x = values<double>(one, "x");
  for (std::size_t i = 0; i < 70; ++i) CHECK(x[i * kRow] == static_cast<double>(i));
  CHECK(tests::same_bits(one, in_parts(plan, folder.path() / "parts", 35)));
}

TEST_CASE("missing points are fill values, and status says so") {
  const tests::TemporaryFolder folder;
  const sweep::Plan plan = plan_of({1, 2, 3, 4}, growing);
  tests::run_part(plan, folder.path() / "x", {2, 2});
  const store::Dataset half = tests::collected(plan, folder.path() / "x");
  const auto& status = values<std::uint8_t>(half, "status");
  CHECK(std::ranges::count(status, 1) == 2);
  for (std::size_t i = 0; i < 4; ++i) CHECK(std::isnan(values<float>(half, "small")[i]) == (status[i] == 0));

  sweep::open_sweep(folder.path() / "empty", plan, "", store::attributes_of({.experiment = "toy"}));
  const store::Dataset nothing = tests::collected(plan, folder.path() / "empty");
  CHECK(values<std::uint8_t>(nothing, "status") == std::vector<std::uint8_t>{0, 0, 0, 0});
  CHECK(nothing.find("x") == nullptr);
}

TEST_CASE(
    "a mapped file has the same numbers as a copied one, from irregular shards, with gaps and padding") {
  const tests::TemporaryFolder folder;
  const sweep::Plan plan = plan_of({4, 1, 3, 2, 6, 5, 8, 7}, growing, 3);
  const store::Dataset copied = in_parts(plan, folder.path() / "x", 3);
  const store::Dataset mapped = tests::collected(plan, folder.path() / "x", sweep::Storage::mapped);
  CHECK(tests::same_bits(copied, mapped));

  tests::run_part(plan, folder.path() / "half", {2, 3});
  const store::Dataset half = tests::collected(plan, folder.path() / "half", sweep::Storage::mapped);
  CHECK(tests::same_bits(half, tests::collected(plan, folder.path() / "half")));
}
