#include "ecphory/sweep/space.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

using namespace ecphory;
using base::Value;
using sweep::Axis;
using sweep::Space;

namespace {

const std::vector<base::Parameter> kParameters = {
    {"model.name", std::string("modern"), "1", "", {.choices = {"modern", "hopfield"}}},
    {"model.beta", 1.0, "1", "", base::above(0)},
    {"model.gain", 1.0, "1", "", {}, R"(model.name == "hopfield")"},
    {"task.n", std::int64_t{4}, "1", "", {.low = 2, .multiple_of = 2}},
};

sweep::Table expand(const Space& space, const base::Point& settings = {}, std::uint64_t seed = 1) {
  return sweep::expand(space, kParameters, settings, seed);
}

std::vector<double> reals(const sweep::Table& table, const std::string& key) {
  std::vector<double> result;
  for (const sweep::Column& column : table.columns) {
    if (column.key != key) continue;
    for (const Value& value : column.values) result.push_back(std::get<double>(value));
  }
  return result;
}

std::string refusal(const Space& space, const base::Point& settings = {}) {
  try {
    expand(space, settings);
  } catch (const base::UserError& error) {
    return error.complaint().key + ": " + error.complaint().problem;
  }
  return "";
}

Space of(std::vector<sweep::Factor> factors, std::vector<std::string> exclude = {}) {
  return {.factors = std::move(factors), .exclude = std::move(exclude)};
}

std::int64_t whole(std::int64_t n) { return n; }

}  // namespace

TEST_CASE("zipped axes run together, beside other factors") {
  const sweep::Table table =
      expand(of({Axis{"task.n", {whole(2), whole(4)}},
                 sweep::Zip{{{"model.beta", {1.0, 2.0, 3.0}}, {"model.gain", {4.0, 5.0, 6.0}}}}}),
             {{"model.name", std::string("hopfield")}});
  CHECK(table.points == 6);
  CHECK(reals(table, "model.beta") == std::vector{1.0, 2.0, 3.0, 1.0, 2.0, 3.0});
  CHECK(reals(table, "model.gain") == std::vector{4.0, 5.0, 6.0, 4.0, 5.0, 6.0});
  CHECK(refusal(of({sweep::Zip{{{"model.beta", {1.0, 2.0}}, {"task.n", {whole(2)}}}}})) ==
        "task.n: has 1 values, but model.beta of the same zip has 2");
}

TEST_CASE("blocks stand one after the other; a key that a block lacks has its setting there") {
  const Space space =
      of({sweep::Blocks{{of({Axis{"model.beta", {5.0, 6.0}}}), of({Axis{"task.n", {whole(6)}}})}}});
  const sweep::Table table = expand(space, {{"model.beta", 2.0}});
  CHECK(table.points == 3);
  CHECK(reals(table, "model.beta") == std::vector{5.0, 6.0, 2.0});
  CHECK(table.columns[1].values == std::vector<Value>{whole(4), whole(4), whole(6)});
}

TEST_CASE("excluded points are left out; conditions see settings that are not swept") {
  const Space space =
      of({Axis{"model.beta", {1.0, 2.0, 3.0}}}, {"model.beta * task.n > 8", "model.beta == 1"});
  CHECK(reals(expand(space), "model.beta") == std::vector{2.0});
  CHECK(reals(expand(space, {{"task.n", whole(2)}}), "model.beta") == std::vector{2.0, 3.0});
  CHECK(refusal(of({Axis{"model.beta", {1.0}}}, {"model.beta > 0"})) ==
        "sweep.exclude: leaves no point: model.beta > 0");
  CHECK(refusal(of({Axis{"model.beta", {1.0}}}, {"model.betta > 0"})).starts_with("sweep.exclude: "));
}

TEST_CASE("an axis has its values where its condition holds, and one elsewhere") {
  const Space space =
      of({Axis{"model.beta", {1.0, 2.0}}, Axis{"task.n", {whole(2), whole(6)}, "model.beta > 1"}});
  const sweep::Table table = expand(space);
  CHECK(table.points == 4);
  CHECK(table.columns[1].values == std::vector<Value>{whole(4), whole(4), whole(2), whole(6)});
  CHECK(refusal(of({Axis{"task.n", {whole(2)}, "model.beta > 1"}})) ==
        "task.n: its condition holds nowhere: model.beta > 1");
}

TEST_CASE("a key has its default where it has no effect, and is refused when it has none anywhere") {
  const Axis names{"model.name", {Value("modern"), Value("hopfield")}};
  CHECK(reals(expand(of({names, Axis{"model.gain", {2.0, 3.0}}})), "model.gain") ==
        std::vector{1.0, 1.0, 2.0, 3.0});
  CHECK(reals(expand(of({names}), {{"model.gain", 7.0}}), "model.gain") == std::vector{1.0, 7.0});
  CHECK(refusal(of({Axis{"model.gain", {2.0}}})) == "model.gain: has no effect here");
  CHECK(refusal({}, {{"model.gain", 2.0}}) == "model.gain: has no effect here");
  CHECK(refusal({}, {{"model.gain", 1.0}}).empty());  // its default: a resolved file has it
}

TEST_CASE(
    "samples fill their box, evenly in the logarithm where that is asked; whole numbers with both ends") {
  const Space space = of({sweep::Sample{.sampler = sweep::Sampler::sobol,
                                        .points = 512,
                                        .box = {{"model.beta", 0.01, 100, true}, {"task.n", 2, 8}}}});
  const sweep::Table table = expand(space);
  const std::vector<double> beta = reals(table, "model.beta");
  CHECK(std::ranges::min(beta) >= 0.01);
  CHECK(std::ranges::max(beta) <= 100);
  const auto below_one = std::ranges::count_if(beta, [](double b) { return b < 1; });
  CHECK(below_one == doctest::Approx(256).epsilon(0.02));  // half of the decades
  std::map<std::int64_t, int> counts;
  for (const Value& n : table.columns[1].values) ++counts[std::get<std::int64_t>(n)];
  CHECK(counts.size() == 4);  // 2, 4, 6, 8
  for (const auto& entry : counts) CHECK(entry.second > 60);

  Space longer = space;
  std::get<sweep::Sample>(longer.factors[0]).points = 600;
  const std::vector<double> more = reals(expand(longer), "model.beta");
  CHECK(std::equal(beta.begin(), beta.end(), more.begin()));
}

TEST_CASE("what cannot be a space is refused with its key") {
  const auto sample = [](sweep::Range range, std::size_t points = 4) {
    return of(
        {sweep::Sample{.sampler = sweep::Sampler::random, .points = points, .box = {std::move(range)}}});
  };
  CHECK(refusal(of({Axis{"model.beta", {1.0}}, Axis{"model.beta", {2.0}}})) == "model.beta: is swept twice");
  CHECK(refusal(of({Axis{"model.beta", {}}})) == "model.beta: the axis is empty");
  CHECK(refusal(of({Axis{"model.beta", {1.0, 1.0}}})) == "model.beta: the axis has 1.0 twice");
  CHECK(refusal(of({Axis{"model.betta", {1.0}}})) == "model.betta: unknown key");
  CHECK(refusal(sample({"model.beta", 2, 1})) == "model.beta: the range from 2 to 1 has no extent");
  CHECK(refusal(sample({"model.beta", -1, 1, true})) == "model.beta: a logarithmic range cannot begin at -1");
  CHECK(refusal(sample({"model.beta", -1, 1})) == "model.beta: -1.0 is not allowed");
  CHECK(refusal(sample({"model.name", 0, 1})) == "model.name: is not a number and cannot be sampled");
  CHECK(refusal(sample({"task.n", 2.5, 8})) == "task.n: 2.5 is no whole number");
  CHECK(refusal(sample({"model.beta", 1, 2}, 0)) == "sweep.sample: the sample is empty");
  const Axis long_axis{"model.beta", std::vector<Value>(1, 1.0)};
  CHECK(refusal(sample({"model.beta", 1, 2}, 10'000'001)) ==
        "sweep: the sweep has more than 10000000 points");
}
