#include "ecphory/training/train.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ecphory/base/random.hpp"
#include "ecphory/training/checkpoint.hpp"

#include "refusal.hpp"
#include "temporary_folder.hpp"

using namespace ecphory;
using namespace ecphory::training;

namespace {

using compute::View;

/// What a run's gradient is made of: its loss at `step`, with weights w, and g.
template <class Real>
using LossOf = std::function<double(std::uint64_t step, std::span<const Real> w, std::span<Real> g)>;

/// Every run has the same loss; evaluations give its first two weights.
template <class Real>
Objective<Real> objective_of(LossOf<Real> loss) {
  return {.gradient =
              [loss](View<const std::uint64_t> step, View<const Real> w, View<Real> g, View<double> losses) {
                const auto n = static_cast<std::size_t>(w.rows);
                for (compute::Index r = 0; r < w.columns; ++r)
                  *losses.column(r) = loss(*step.column(r), {w.column(r), n}, {g.column(r), n});
              },
          .evaluate =
              [](View<const Real> w) {
                std::vector<std::vector<double>> all;
                for (compute::Index r = 0; r < w.columns; ++r)
                  all.push_back({static_cast<double>(w.column(r)[0]), static_cast<double>(w.column(r)[1])});
                return all;
              }};
}

/// A quadratic with noise that depends on the step: ½ Σ (w − target − noise)².
template <class Real>
double noisy_loss(std::uint64_t step, std::span<const Real> w, std::span<Real> g) {
  std::vector<float> noise(w.size());
  base::RandomStream({.seed = 5}, base::Purpose("noise"), static_cast<std::uint32_t>(step))
      .normals(0, std::span(noise));
  double loss = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    g[i] = w[i] - static_cast<Real>(i) - static_cast<Real>(0.1F * noise[i]);
    loss += 0.5 * static_cast<double>(g[i]) * static_cast<double>(g[i]);
  }
  return loss;
}

template <class Real>
Objective<Real> noisy_quadratic() {
  return objective_of<Real>(noisy_loss<Real>);
}

template <class Real>
using Checkpoint = std::function<void(const TrainingState<Real>&)>;

/// One run, whose state is moved on also when something throws; its failure is thrown.
template <class Real>
void train_one(const Objective<Real>& objective, const TrainingSettings& settings, TrainingState<Real>& state,
               const OptimiserSettings& optimiser = {}, Checkpoint<Real> checkpoint = {}) {
  Run<Real> run{.optimiser = optimiser, .state = state, .checkpoint = std::move(checkpoint)};
  try {
    train<Real>(objective, settings, {&run, 1});
  } catch (...) {
    state = run.state;
    throw;
  }
  state = run.state;
  if (run.failure) std::rethrow_exception(run.failure);
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
    const OptimiserSettings optimiser{.method = method};
    TrainingSettings settings{.steps = 200, .evaluate_every = 30};
    auto whole = beginning<Real>();
    train_one(noisy_quadratic<Real>(), settings, whole, optimiser);
    CHECK(whole.history.step == std::vector<std::int64_t>{0, 30, 60, 90, 120, 150, 180, 200});

    auto half = beginning<Real>();
    // Training is cut short between two evaluations, as by a crash: a checkpoint that throws.
    struct Stop {};
    TrainingSettings with_checkpoints = settings;
    with_checkpoints.checkpoint_every = 100;
    const auto stop = [&](const TrainingState<Real>& state) {
      write_checkpoint(folder.path() / "half.h5", layout(), state, kModel);
      throw Stop();
    };
    CHECK_THROWS_AS(train_one<Real>(noisy_quadratic<Real>(), with_checkpoints, half, optimiser, stop), Stop);
    auto resumed = read_checkpoint<Real>(folder.path() / "half.h5", layout(), kModel);
    CHECK(resumed.step == 100);
    CHECK(same(resumed, half));
    train_one(noisy_quadratic<Real>(), settings, resumed, optimiser);
    CHECK(same(resumed, whole));
  }
}

TEST_CASE("the training loss is the mean since the evaluation before") {
  auto state = beginning<double>();
  std::vector<double> losses;
  train_one(objective_of<double>([&](auto step, auto w, auto g) {
              losses.push_back(noisy_loss<double>(step, w, g));
              return losses.back();
            }),
            {.steps = 4, .evaluate_every = 2}, state);
  REQUIRE(losses.size() == 4);
  CHECK(std::isnan(state.history.training_loss[0]));
  CHECK(state.history.training_loss[1] == (losses[0] + losses[1]) / 2);
  CHECK(state.history.training_loss[2] == (losses[2] + losses[3]) / 2);
}

TEST_CASE("each step has the rate of its place in the whole of training") {
  const auto objective = objective_of<double>([](auto, auto, std::span<double> g) {
    std::ranges::fill(g, 1);
    return 1.0;
  });
  const OptimiserSettings optimiser{.rate = 0.5, .decay = 0, .warmup = 3, .schedule = Schedule::linear};
  auto state = beginning<double>();
  train_one<double>(objective, {.steps = 10, .evaluate_every = 1}, state, optimiser);
  for (std::size_t step = 0; step < 10; ++step) {
    const double moved = state.history.metrics[step][0] - state.history.metrics[step + 1][0];
    CHECK(moved == doctest::Approx(rate_at(optimiser, step, 10)).epsilon(1e-14));
  }
}

TEST_CASE("checkpoints come every so many steps and at the end; a finished training takes no step more") {
  auto state = beginning<double>();
  std::vector<std::uint64_t> kept;
  const auto keep = [&](const TrainingState<double>& now) { kept.push_back(now.step); };
  const TrainingSettings settings{.steps = 10, .evaluate_every = 5, .checkpoint_every = 4};
  train_one<double>(noisy_quadratic<double>(), settings, state, {}, keep);
  CHECK(kept == std::vector<std::uint64_t>{4, 8, 10});
  auto again = state;
  train_one<double>(noisy_quadratic<double>(), settings, again, {}, keep);
  CHECK(same(again, state));
  auto objective = noisy_quadratic<double>();
  objective.is_enough = [](const auto&) { return true; };
  train_one<double>(objective, {.steps = 20, .evaluate_every = 5}, again, {}, keep);
  CHECK(same(again, state));
}

TEST_CASE("training gives up when its deadline has passed") {
  auto state = beginning<double>();
  const auto refusal = tests::refusal([&] {
    train_one<double>(noisy_quadratic<double>(), {.steps = 10, .deadline = base::Deadline(0)}, state);
  });
  CHECK(!refusal.empty());
  CHECK(state.step == 0);
}

TEST_CASE("training ends when the objective says it is enough, and leaves a checkpoint") {
  auto objective = noisy_quadratic<double>();
  objective.is_enough = [](const std::vector<double>& metrics) { return metrics[0] < 0.8; };
  auto state = beginning<double>();
  std::uint64_t kept = 0;
  train_one<double>(objective, {.steps = 1000, .evaluate_every = 10}, state, {},
                    [&](const auto& now) { kept = now.step; });
  CHECK(state.history.metrics.back()[0] < 0.8);
  CHECK(state.history.metrics[state.history.size() - 2][0] >= 0.8);
  CHECK(state.step < 1000);
  CHECK(kept == state.step);
}

TEST_CASE("a loss that is not finite ends training with the step and the last good checkpoint") {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    const auto objective = objective_of<double>([bad](std::uint64_t step, auto w, auto g) {
      const double loss = noisy_loss<double>(step, w, g);
      return step == 17 ? bad : loss;
    });
    const auto refusal_with = [&](auto& state, std::int64_t every, const Checkpoint<double>& checkpoint) {
      const TrainingSettings settings{.steps = 100, .evaluate_every = 50, .checkpoint_every = every};
      return tests::refusal([&] { train_one<double>(objective, settings, state, {}, checkpoint); });
    };
    TrainingState<double> kept;
    auto state = beginning<double>();
    const auto refusal = refusal_with(state, 5, [&](const auto& now) { kept = now; });
    CHECK(tests::contains(refusal, "training.rate"));
    CHECK(tests::contains(refusal, fmt::format("the loss is {} at step 17", bad)));
    CHECK(tests::contains(refusal, "lower the rate; the checkpoint of step 15 is good"));
    CHECK(kept.step == 15);
    // One that training went on from is as good; without any, none is named.
    CHECK(tests::contains(refusal_with(kept, 50, [](const auto&) {}), "the checkpoint of step 15 is good"));
    auto fresh = beginning<double>();
    const auto without = refusal_with(fresh, 5, {});
    CHECK((tests::contains(without, "lower the rate") && !tests::contains(without, "the checkpoint of")));
  }
}

TEST_CASE("weights that are not finite are never kept as a checkpoint") {
  const auto objective = objective_of<double>([](std::uint64_t step, auto, auto g) {
    std::ranges::fill(g, step == 4 ? std::numeric_limits<double>::infinity() : 0.0);
    return 1.0;
  });
  auto state = beginning<double>();
  std::vector<std::uint64_t> kept;
  const auto refusal = tests::refusal([&] {
    train_one<double>(objective, {.steps = 100, .evaluate_every = 50, .checkpoint_every = 1}, state, {},
                      [&](const auto& now) { kept.push_back(now.step); });
  });
  CHECK(tests::contains(refusal, "a weight is not finite after step 5"));
  CHECK(kept == std::vector<std::uint64_t>{1, 2, 3, 4});
}

TEST_CASE_TEMPLATE("runs side by side are each what they are alone, bit for bit", Real, float, double) {
  for (const Method method : {Method::sgd, Method::adamw}) {
    auto objective = noisy_quadratic<Real>();
    objective.is_enough = [](const std::vector<double>& metrics) { return metrics[1] > 0.9; };
    const TrainingSettings settings{.steps = 95, .evaluate_every = 10, .checkpoint_every = 25};
    std::vector<std::vector<std::uint64_t>> kept(8);
    std::vector<Run<Real>> runs;
    for (std::size_t r = 0; r < 8; ++r) {
      runs.push_back({.optimiser = {.method = method,
                                    .rate = 0.01 * static_cast<double>(r + 1),
                                    .decay = 1e-3 * static_cast<double>(r),
                                    .warmup = static_cast<std::int64_t>(5 * r),
                                    .schedule = r % 2 == 0 ? Schedule::cosine : Schedule::constant},
                      .state = beginning<Real>(),
                      .checkpoint = [&kept, r](const auto& state) { kept[r].push_back(state.step); }});
      runs.back().state.weights[0] = static_cast<Real>(r);
    }
    std::vector<Run<Real>> alone = runs;
    train<Real>(objective, settings, std::span(runs));
    const auto kept_together = std::exchange(kept, std::vector<std::vector<std::uint64_t>>(8));
    std::size_t sooner = 0;
    for (std::size_t r = 0; r < 8; ++r) {
      CAPTURE(r);
      train<Real>(objective, settings, {&alone[r], 1});
      CHECK(same(runs[r].state, alone[r].state));
      CHECK(kept_together[r] == kept[r]);
      sooner += runs[r].state.step < 95 ? 1 : 0;
    }
    CHECK((sooner > 0 && sooner < 8));  // some are enough before the others
  }
}

TEST_CASE("a run whose loss is not finite leaves the others alone") {
  const auto objective = objective_of<double>([](std::uint64_t step, auto w, auto g) {
    const double loss = noisy_loss<double>(step, w, g);
    return w[6] > 100 && step == 17 ? std::nan("") : loss;
  });
  std::vector<Run<double>> runs(3, {.state = beginning<double>()});
  runs[1].state.weights[6] = 1000;
  runs[1].checkpoint = [](const auto&) {};
  train<double>(objective, {.steps = 40, .evaluate_every = 10, .checkpoint_every = 8}, std::span(runs));
  auto alone = beginning<double>();
  train_one(objective, {.steps = 40, .evaluate_every = 10}, alone);
  CHECK((same(runs[0].state, alone) && same(runs[2].state, alone)));
  CHECK((!runs[0].failure && !runs[2].failure));
  REQUIRE(runs[1].failure);
  const auto refusal = tests::refusal([&] { std::rethrow_exception(runs[1].failure); });
  CHECK(tests::contains(refusal, "the loss is nan at step 17"));
  CHECK(tests::contains(refusal, "the checkpoint of step 16 is good"));
  CHECK(runs[1].state.history.step == std::vector<std::int64_t>{0, 10});
}

TEST_CASE("runs that stand at different steps, or have other numbers of weights, are a bug") {
  std::vector<Run<double>> runs(2, {.state = beginning<double>()});
  runs[1].state.step = 3;
  CHECK_THROWS_AS(train<double>(noisy_quadratic<double>(), {.steps = 5}, std::span(runs)), base::Bug);
  runs[1].state.step = 0;
  runs[1].state.weights.pop_back();
  CHECK_THROWS_AS(train<double>(noisy_quadratic<double>(), {.steps = 5}, std::span(runs)), base::Bug);
}
