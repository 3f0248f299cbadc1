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

sweep::Space grid(const std::vector<Axis>& axes) {
  sweep::Space space;
  for (const Axis& axis : axes) space.factors.emplace_back(axis);
  return space;
}

std::string refusal(const base::Point& settings, const std::vector<Axis>& axes,
                    std::optional<std::int64_t> replicates = {}) {
  try {
    sweep::make_plan(toy(), 1, settings, grid(axes), replicates);
  } catch (const base::UserError& error) {
    return error.complaint().key + ": " + error.complaint().problem;
  }
  return "";
}

}  // namespace

TEST_CASE("a grid has every combination, the last axis fastest, replicates fastest of all") {
  const auto plan = sweep::make_plan(
      toy(), 1, {{"task.a", std::int64_t{7}}},
      grid({{"model.n", {std::int64_t{1}, std::int64_t{2}}}, {"model.a", {0.0, 0.5, 1.0}}}), 2);
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
  const auto plan = sweep::make_plan(toy(), 1, {}, grid({{"model.a", {1.0}}, {"task.a", {1.0}}}), {});
  CHECK(plan.dimensions() == std::vector<std::string>{"model_a", "task_a"});
}

TEST_CASE("a point's numbers depend on its settings, not on the plan") {
  const auto small = sweep::make_plan(toy(), 1, {}, grid({{"model.a", {0.5}}}), {});
  const auto large = sweep::make_plan(
      toy(), 1, {}, grid({{"task.kind", {Value("y"), Value("x")}}, {"model.a", {0.0, 0.25, 0.5}}}), 3);
  CHECK(small.random_key(0).point == large.random_key(15).point);
  std::set<std::uint64_t> points;
  for (std::size_t i = 0; i < large.size(); i += 3) points.insert(large.random_key(i).point);
  CHECK(points.size() == 6);
  CHECK(small.identities[0] == large.identities[5]);
  sweep::Experiment other = toy();
  other.name = "other";
  CHECK(sweep::make_plan(other, 1, {}, grid({{"model.a", {0.5}}}), {}).identities != small.identities);
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
  CHECK(sweep::make_plan(experiment, 1, {}, {}, {}).identities !=
        sweep::make_plan(experiment, 1, {{"integrator.rtol", 1e-3}}, {}, {}).identities);
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

TEST_CASE("the random numbers of a point are those they have always been") {
  // Published results hang on them: FNV-1a over the experiment and the settings that are not default.
  const auto plan =
      sweep::make_plan(toy(), 1, {{"task.kind", std::string("y")}}, grid({{"model.a", {0.5}}}), {});
  std::uint64_t hash = 14695981039346656037ULL;
  for (const std::string text : {"toy", "model.a", "0.5", "task.kind", "\"y\""}) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    hash = (hash ^ 0xFFU) * 1099511628211ULL;
  }
  CHECK(plan.random_key(0).point == base::mix64(hash));
}

TEST_CASE("the plan's hash tells apart what gives another result file, and nothing else") {
  const auto hash = [](std::uint64_t seed, const std::vector<Axis>& axes,
                       std::optional<std::int64_t> replicates) {
    return sweep::make_plan(toy(), seed, {}, grid(axes), replicates).hash();
  };
  const std::uint64_t reference = hash(1, {{"model.a", {0.0, 1.0}}}, 2);
  CHECK(hash(1, {{"model.a", {0.0, 1.0}}}, 2) == reference);
  CHECK(hash(2, {{"model.a", {0.0, 1.0}}}, 2) != reference);
  CHECK(hash(1, {{"model.a", {1.0, 0.0}}}, 2) != reference);
  CHECK(hash(1, {{"model.a", {0.0, 1.0, 2.0}}}, 2) != reference);
  CHECK(hash(1, {{"model.a", {0.0, 1.0}}}, 3) != reference);
  CHECK(hash(1, {{"model.a", {0.0, 1.0}}}, {}) != reference);
}

TEST_CASE("points that are no grid stand in one dimension, each once") {
  sweep::Space space = grid({{"model.n", {std::int64_t{1}, std::int64_t{2}}}, {"model.a", {0.0, 1.0}}});
  space.exclude = {"model.n == 2 and model.a > 0"};
  const auto plan = sweep::make_plan(toy(), 1, {}, space, 5);
  CHECK(plan.points == 3);
  CHECK(plan.dimensions() == std::vector<std::string>{"point", "replicate"});
  CHECK(plan.shape() == std::vector<std::size_t>{3, 5});
  CHECK(plan.label(5) == "model.n = 1, model.a = 1.0, replicate 0");

  const sweep::Space crossing{.factors = {sweep::Blocks{{grid({{"model.a", {0.0, 1.0, 2.0}}}),
                                                         grid({{"task.a", {2.0, 3.0, 4.0}}})}}}};
  const auto lines = sweep::make_plan(toy(), 1, {}, crossing, {});
  CHECK(lines.points == 5);  // model.a = 1 and task.a = 3 are the defaults: the lines cross there
  CHECK(lines.merged == 1);
  CHECK(std::set(lines.identities.begin(), lines.identities.end()).size() == 5);
}

TEST_CASE("axes of which one has no effect at some values of the other are no grid") {
  sweep::Experiment experiment = toy();
  experiment.parameters[0].when = "task.kind == \"y\"";
  const auto plan = sweep::make_plan(
      experiment, 1, {}, grid({{"task.kind", {std::string("x"), std::string("y")}}, {"model.a", {0.5, 2.0}}}),
      {});
  CHECK(!plan.is_grid());
  CHECK(plan.points == 3);  // x has one a, its default
  CHECK(plan.label(0) == "task.kind = \"x\", model.a = 1.0");
  CHECK(plan.label(2) == "task.kind = \"y\", model.a = 2.0");
}

TEST_CASE("a stop rule needs replicates and a width") {
  const auto refused = [](const sweep::StopRule& rule,
                          std::optional<std::int64_t> replicates) -> std::string {
    try {
      sweep::make_plan(toy(), 1, {}, {}, replicates, rule);
    } catch (const base::UserError& error) {
      return error.complaint().key;
    }
    return "";
  };
  CHECK(refused({.result = "x", .width = 0.1, .least = 2}, 10).empty());
  CHECK(refused({.result = "x", .width = 0.1, .least = 2}, {}) == "sweep.stop");
  CHECK(refused({.result = "", .width = 0.1, .least = 2}, 10) == "sweep.stop.result");
  CHECK(refused({.result = "x", .width = 0, .least = 2}, 10) == "sweep.stop.width");
  CHECK(refused({.result = "x", .width = 0.1, .least = 1}, 10) == "sweep.stop.least");
  CHECK(refused({.result = "x", .width = 0.1, .least = 11}, 10) == "sweep.stop.least");
}
