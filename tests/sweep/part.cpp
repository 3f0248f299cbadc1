#include "ecphory/sweep/part.hpp"

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

#include "sweep/toy.hpp"

using namespace ecphory;

TEST_CASE("parts have every run once, in equal numbers") {
  const sweep::Plan plan = tests::plan_of(tests::up_to(100), {}, 7);
  for (const std::size_t of : {1UL, 3UL, 7UL, 16UL, 900UL}) {
    std::vector<int> times(plan.size(), 0);
    for (std::size_t i = 1; i <= of; ++i) {
      const std::vector<std::size_t> runs = sweep::runs_of(plan, {i, of});
      CHECK(runs.size() >= plan.size() / of);
      CHECK(runs.size() <= plan.size() / of + 1);
      CHECK(std::ranges::is_sorted(runs));
      for (const std::size_t run : runs) ++times[run];
    }
    CHECK(std::ranges::all_of(times, [](int n) { return n == 1; }));
  }
}

TEST_CASE("parts cost the same, whichever way the cost goes over the axes") {
  sweep::Experiment experiment = tests::experiment_of({});
  const auto plan = [&] {
    const std::vector<std::int64_t> numbers = tests::up_to(4096);
    return sweep::make_plan(experiment, 1, {},
                            {.factors = {sweep::Axis{"n", {numbers.begin(), numbers.end()}}}}, {});
  };
  const auto imbalance = [](const sweep::Plan& p, auto cost) {
    std::vector<double> sums;
    for (std::size_t i = 1; i <= 16; ++i) {
      double sum = 0;
      for (const std::size_t run : sweep::runs_of(p, {i, 16})) sum += cost(p.point(run));
      sums.push_back(sum);
    }
    return std::ranges::max(sums) / (std::accumulate(sums.begin(), sums.end(), 0.0) / 16);
  };
  // Costs that the experiment does not know: an axis of 16 values, one of which takes all the time.
  const auto resonant = [](const base::Point& p) { return tests::n_of(p) % 16 == 3 ? 1.0 : 0.0; };
  CHECK(imbalance(plan(), resonant) < 1.8);  // 16 if points were dealt round and round
  // Costs that it knows: a few points take most of the time.
  experiment.cost = [](const base::Point& p) {
    return 1 + 100.0 / (1.0 + static_cast<double>(tests::n_of(p)));
  };
  CHECK(imbalance(plan(), experiment.cost) < 1.02);
  CHECK(sweep::longest_first(plan(), {5, 4000, 7, 1}) == std::vector<std::size_t>{1, 5, 7, 4000});
}

TEST_CASE("replicates that a rule may end stay together") {
  const sweep::StopRule rule{.result = "x", .width = 1, .least = 2};
  const sweep::Plan plan = tests::plan_of(tests::up_to(10), {}, 4, rule);
  for (std::size_t i = 1; i <= 3; ++i) {
    const std::vector<std::size_t> runs = sweep::runs_of(plan, {i, 3});
    CHECK(runs.size() % 4 == 0);
    for (std::size_t k = 0; k < runs.size(); ++k) CHECK(runs[k] % 4 == k % 4);
  }
}

TEST_CASE("a shard is i of n, counted from 1") {
  CHECK(sweep::part_of_text("3/16").index == 3);
  CHECK(sweep::part_of_text("3/16").of == 16);
  CHECK(sweep::name_of(sweep::part_of_text("3/16")) == "03-of-16");
  for (const char* text :
       {"5/4", "0/4", "1/0", "", "/", "1", "1/", "/4", "-1/4", "1/4x", "a/b", "1 /4", "1/9999999"})
    CHECK_THROWS_AS(sweep::part_of_text(text), base::UserError);
}
