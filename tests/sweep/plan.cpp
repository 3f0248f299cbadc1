#include "ecphory/sweep/plan.hpp"

#include <set>
#include <string>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

using namespace ecphory;
using base::Value;
using sweep::Axis;

namespace {

sweep::Experiment toy() {
  return {.name = "toy",
          .title = "toy",
          .parameters = {{"model.a", 1.0, "1", "a", base::at_least(0)},
                         {"model.n", std::int64_t{2}, "1", "n", base::at_least(1)},
                         {"task.a", 3.0, "1", "a", {}},
                         {"task.kind", std::string("x"), "1", "kind", {.choices = {"x", "y"}}}},
          .check =
              [](const base::Point& point) {
                if (base::get<double>(point, "model.a") > 9)
                  throw base::UserError({.key = "model.a", .problem = "no"});
              },
          .run = {}};
}

std::string refusal(const base::Point& settings, const std::vector<Axis>& axes,
                    std::optional<std::int64_t> replicates = {}) {
  try {
    sweep::make_plan(toy(), 1, settings, axes, replicates);
  } catch (const base::UserError& error) {
    return error.complaint().key + ": " + error.complaint().problem;
  }
  return "";
}

}  // namespace

TEST_CASE("a grid has every combination, the last axis fastest, replicates fastest of all") {
  const auto plan =
      sweep::make_plan(toy(), 1, {{"task.a", std::int64_t{7}}},
                       {{"model.n", {std::int64_t{1}, std::int64_t{2}}}, {"model.a", {0.0, 0.5, 1.0}}}, 2);
  CHECK(plan.size() == 12);
  CHECK(plan.shape() == std::vector<std::size_t>{2, 3, 2});
  CHECK(plan.dimensions() == std::vector<std::string>{"n", "a", "replicate"});
  const base::Point point = plan.point(9);  // n index 1, a index 1, replicate 1
  CHECK(std::get<std::int64_t>(point.at("model.n")) == 2);
  CHECK(std::get<double>(point.at("model.a")) == 0.5);
  CHECK(std::get<double>(point.at("task.a")) == 7.0);
  CHECK(std::get<std::string>(point.at("task.kind")) == "x");
  CHECK(plan.random_key(9).replicate == 1);
  CHECK(plan.random_key(8).point == plan.random_key(9).point);
}

TEST_CASE("axes whose last parts are equal keep their whole names") {
  const auto plan = sweep::make_plan(toy(), 1, {}, {{"model.a", {1.0}}, {"task.a", {1.0}}}, {});
  CHECK(plan.dimensions() == std::vector<std::string>{"model_a", "task_a"});
}

TEST_CASE("a point's numbers depend on its settings, not on the plan") {
  const auto small = sweep::make_plan(toy(), 1, {}, {{"model.a", {0.5}}}, {});
  const auto large = sweep::make_plan(
      toy(), 1, {}, {{"task.kind", {Value("y"), Value("x")}}, {"model.a", {0.0, 0.25, 0.5}}}, 3);
  CHECK(small.random_key(0).point == large.random_key(15).point);
  std::set<std::uint64_t> points;
  for (std::size_t i = 0; i < large.size(); i += 3) points.insert(large.random_key(i).point);
  CHECK(points.size() == 6);
  CHECK(sweep::content_hash("toy", small.point(0)) != sweep::content_hash("other", small.point(0)));
}

TEST_CASE("how a point is computed and recorded leaves its random numbers as they are") {
  const sweep::Experiment experiment{.name = "toy",
                                     .title = "toy",
                                     .parameters = {{"integrator.rtol", 1e-6, "1", "", {}},
                                                    {"model.a", 0.0, "1", "", {}},
                                                    {"record.states", false, "1", "", {}}},
                                     .run = {}};
  const auto key = [&](const base::Point& settings) {
    return sweep::make_plan(experiment, 1, settings, {}, {}).random_key(0).point;
  };
  CHECK(key({}) == key({{"integrator.rtol", 1e-3}, {"record.states", true}}));
  CHECK(key({}) != key({{"model.a", 1.0}}));
}

TEST_CASE("a setting that is added with a default leaves the random numbers as they are") {
  sweep::Experiment experiment = toy();
  const auto before = sweep::make_plan(experiment, 1, {{"model.a", 0.5}}, {}, {}).random_key(0);
  experiment.parameters.push_back({"model.added", 1.0, "1", "", {}});
  CHECK(sweep::make_plan(experiment, 1, {{"model.a", 0.5}}, {}, {}).random_key(0).point == before.point);
  CHECK(
      sweep::make_plan(experiment, 1, {{"model.a", 0.5}, {"model.added", 2.0}}, {}, {}).random_key(0).point !=
      before.point);
}

TEST_CASE("a plan without axes is one point") {
  const auto plan = sweep::make_plan(toy(), 1, {}, {}, {});
  CHECK(plan.size() == 1);
  CHECK(plan.dimensions().empty());
}

TEST_CASE("what cannot be planned is refused with its key") {
  CHECK(refusal({{"model.b", 1.0}}, {}) == "model.b: unknown key");
  CHECK(refusal({}, {{"model.b", {1.0}}}) == "model.b: unknown key");
  CHECK(refusal({}, {{"model.a", {}}}) == "model.a: the axis is empty");
  CHECK(refusal({}, {{"model.a", {1.0, std::int64_t{1}}}}) == "model.a: the axis has 1.0 twice");
  CHECK(refusal({}, {{"model.a", {-1.0}}}) == "model.a: -1.0 is not allowed");
  CHECK(refusal({{"model.a", 1.0}}, {{"model.a", {2.0}}}) == "model.a: is both set to one value and swept");
  CHECK(refusal({}, {{"model.a", {1.0, 10.0}}}) == "model.a: no");
  CHECK(refusal({}, {}, 0) == "sweep.replicates: 0 is not allowed");
}
