#include "ecphory/training/train.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ecphory/base/random.hpp"
#include "ecphory/training/checkpoint.hpp"

#include "refusal.hpp"
#include "temporary_folder.hpp"

using namespace ecphory;
using namespace ecphory::training;

namespace {

/// A quadratic with noise that depends on the step: ½ Σ (w − target − noise)².
template <class Real>
Objective<Real> noisy_quadratic() {
  return {.gradient =
              [](std::uint64_t step, std::span<const Real> w, std::span<Real> g) {
                std::vector<float> noise(w.size());
                base::RandomStream({.seed = 5}, base::Purpose("noise"), static_cast<std::uint32_t>(step))
                    .normals(0, std::span(noise));
                double loss = 0;
                for (std::size_t i = 0; i < w.size(); ++i) {
                  g[i] = w[i] - static_cast<Real>(i) - static_cast<Real>(0.1F * noise[i]);
                  loss += 0.5 * static_cast<double>(g[i]) * static_cast<double>(g[i]);
                }
                return loss;
              },
          .evaluate =
              [](std::span<const Real> w) {
                return std::vector{static_cast<double>(w[0]), static_cast<double>(w[1])};
              }};
}

template <class Real>
TrainingState<Real> beginning() {
  return {.weights = {Real{1}, Real{-1}, Real{0.5}, Real{2}, Real{3}, Real{4}, Real{5}}};
}

compute::TensorLayout layout() {
  compute::TensorLayout layout;
  layout.add("a.matrix", 2, 3);
  layout.add("a.number", 1, 1);
  return layout;
}

const store::Attributes kModel = {{"model", std::string("test")}, {"heads", std::int64_t{2}}};

template <class Real>
bool same(const TrainingState<Real>& a, const TrainingState<Real>& b) {
  // NaN of the first evaluation's training loss equals itself here.
  const auto bits = [](const std::vector<double>& x) {
    std::vector<std::uint64_t> all;
    for (const double v : x) all.push_back(std::bit_cast<std::uint64_t>(v));
    return all;
  };
  return a.weights == b.weights && a.moments == b.moments && a.step == b.step && a.loss_sum == b.loss_sum &&
         a.loss_count == b.loss_count && a.history.step == b.history.step &&
         a.history.metrics == b.history.metrics &&
         bits(a.history.training_loss) == bits(b.history.training_loss);
}

}  // namespace

TEST_CASE_TEMPLATE("100 steps, a checkpoint, and 100 more equal 200, bit for bit", Real, float, double) {
  const tests::TemporaryFolder folder;
  for (const Method method : {Method::sgd, Method::adamw}) {
    TrainingSettings settings{.steps = 200, .evaluate_every = 30, .optimiser = {.method = method}};
    auto whole = beginning<Real>();
    train(noisy_quadratic<Real>(), settings, whole);
    CHECK(whole.history.step == std::vector<std::int64_t>{0, 30, 60, 90, 120, 150, 180, 200});

    auto half = beginning<Real>();
    // Training is cut short between two evaluations, as by a crash: a hook that throws.
    struct Stop {};
    TrainingHooks<Real> hooks{.checkpoint_every = 100, .checkpoint = [&](const TrainingState<Real>& state) {
                                write_checkpoint(folder.path() / "half.h5", layout(), state, kModel);
                                throw Stop();
                              }};
    CHECK_THROWS_AS(train(noisy_quadratic<Real>(), settings, half, hooks), Stop);
    auto resumed = read_checkpoint<Real>(folder.path() / "half.h5", layout(), kModel);
    CHECK(resumed.step == 100);
    CHECK(same(resumed, half));
    train(noisy_quadratic<Real>(), settings, resumed);
    CHECK(same(resumed, whole));
  }
}

TEST_CASE("the training loss is the mean since the evaluation before") {
  TrainingSettings settings{.steps = 4, .evaluate_every = 2};
  auto state = beginning<double>();
  std::vector<double> losses;
  auto objective = noisy_quadratic<double>();
  objective.gradient = [&, inner = objective.gradient](auto step, auto w, auto g) {
    losses.push_back(inner(step, w, g));
    return losses.back();
  };
  train(objective, settings, state);
  REQUIRE(losses.size() == 4);
  CHECK(std::isnan(state.history.training_loss[0]));
  CHECK(state.history.training_loss[1] == (losses[0] + losses[1]) / 2);
  CHECK(state.history.training_loss[2] == (losses[2] + losses[3]) / 2);
}

TEST_CASE("each step has the rate of its place in the whole of training") {
  const Objective<double> objective{.gradient =
                                        [](std::uint64_t, auto, std::span<double> g) {
                                          std::ranges::fill(g, 1);
                                          return 1.0;
                                        },
                                    .evaluate = [](auto w) { return std::vector{w[0]}; }};
  const OptimiserSettings optimiser{.rate = 0.5, .decay = 0, .warmup = 3, .schedule = Schedule::linear};
  auto state = beginning<double>();
  train<double>(objective, {.steps = 10, .evaluate_every = 1, .optimiser = optimiser}, state);
  for (std::size_t step = 0; step < 10; ++step) {
    const double moved = state.history.metrics[step][0] - state.history.metrics[step + 1][0];
    CHECK(moved == doctest::Approx(rate_at(optimiser, step, 10)).epsilon(1e-14));
  }
}

TEST_CASE("checkpoints come every so many steps and at the end; a finished training takes no step more") {
  auto state = beginning<double>();
  std::vector<std::uint64_t> kept;
  const TrainingHooks<double> hooks{.checkpoint_every = 4,
                                    .checkpoint = [&](const auto& now) { kept.push_back(now.step); }};
  train<double>(noisy_quadratic<double>(), {.steps = 10, .evaluate_every = 5}, state, hooks);
  CHECK(kept == std::vector<std::uint64_t>{4, 8, 10});
  auto again = state;
  train<double>(noisy_quadratic<double>(), {.steps = 10, .evaluate_every = 5}, again, hooks);
  CHECK(same(again, state));
  auto objective = noisy_quadratic<double>();
  objective.is_enough = [](const auto&) { return true; };
  train<double>(objective, {.steps = 20, .evaluate_every = 5}, again, hooks);
  CHECK(same(again, state));
}

TEST_CASE("training gives up when its deadline has passed") {
  auto state = beginning<double>();
  const auto refusal = tests::refusal([&] {
    train<double>(noisy_quadratic<double>(), {.steps = 10}, state, {.deadline = base::Deadline(0)});
  });
  CHECK(!refusal.empty());
  CHECK(state.step == 0);
}

TEST_CASE("training ends when the objective says it is enough, and leaves a checkpoint") {
  auto objective = noisy_quadratic<double>();
  objective.is_enough = [](const std::vector<double>& metrics) { return metrics[0] < 0.8; };
  auto state = beginning<double>();
  std::uint64_t kept = 0;
  train<double>(objective, {.steps = 1000, .evaluate_every = 10}, state,
                {.checkpoint_every = 0, .checkpoint = [&](const auto& now) { kept = now.step; }});
  CHECK(state.history.metrics.back()[0] < 0.8);
  CHECK(state.history.metrics[state.history.size() - 2][0] >= 0.8);
  CHECK(state.step < 1000);
  CHECK(kept == state.step);
}

TEST_CASE("a loss that is not finite ends training with the step and the last good checkpoint") {
  const TrainingSettings settings{.steps = 100, .evaluate_every = 50};
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    auto objective = noisy_quadratic<double>();
    objective.gradient = [bad, inner = objective.gradient](std::uint64_t step, auto w, auto g) {
      const double loss = inner(step, w, g);
      return step == 17 ? bad : loss;
    };
    const auto refusal_with = [&](auto& state, const TrainingHooks<double>& hooks) {
      return tests::refusal([&] { train<double>(objective, settings, state, hooks); });
    };
    const auto ignore = [](const auto&) {};
    auto state = beginning<double>();
    const auto refusal = refusal_with(state, {.checkpoint_every = 5, .checkpoint = ignore});
    CHECK(tests::contains(refusal, "training.rate"));
    CHECK(tests::contains(refusal, fmt::format("the loss is {} at step 17", bad)));
    CHECK(tests::contains(refusal, "lower the rate; the checkpoint of step 15 is good"));
    CHECK(state.step == 17);
    // One that training went on from is as good; without any, none is named.
    CHECK(tests::contains(refusal_with(state, {.checkpoint_every = 50, .checkpoint = ignore}),
                          "the checkpoint of step 17 is good"));
    const auto without = refusal_with(state, {});
    CHECK((tests::contains(without, "lower the rate") && !tests::contains(without, "the checkpoint of")));
  }
}

TEST_CASE("weights that are not finite are never kept as a checkpoint") {
  auto objective = noisy_quadratic<double>();
  objective.gradient = [](std::uint64_t step, auto, auto g) {
    std::ranges::fill(g, step == 4 ? std::numeric_limits<double>::infinity() : 0.0);
    return 1.0;
  };
  auto state = beginning<double>();
  std::vector<std::uint64_t> kept;
  const auto refusal = tests::refusal([&] {
    train<double>(objective, {.steps = 100, .evaluate_every = 50}, state,
                  {.checkpoint_every = 1, .checkpoint = [&](const auto& now) { kept.push_back(now.step); }});
  });
  CHECK(tests::contains(refusal, "a weight is not finite after step 5"));
  CHECK(kept == std::vector<std::uint64_t>{1, 2, 3, 4});
}
