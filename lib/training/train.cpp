#include "ecphory/training/train.hpp"

#include <cmath>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/finite.hpp"

namespace ecphory::training {
namespace {

template <class Real>
void evaluate(const Objective<Real>& objective, TrainingState<Real>& state) {
  History& history = state.history;
  history.step.push_back(static_cast<std::int64_t>(state.step));
  history.training_loss.push_back(
      state.loss_count == 0 ? std::nan("") : state.loss_sum / static_cast<double>(state.loss_count));
  history.metrics.push_back(objective.evaluate(state.weights));
  state.loss_sum = 0;
  state.loss_count = 0;
}

[[noreturn]] void refuse(const std::string& problem, std::uint64_t checkpoint) {
  throw base::UserError(
      {.key = "training.rate",
       .problem = problem,
       .expected = "a finite loss",
       .remedy = checkpoint == 0
                     ? std::string("lower the rate")
                     : fmt::format("lower the rate; the checkpoint of step {} is good", checkpoint)});
}

}  // namespace

template <class Real>
void train(const Objective<Real>& objective, const TrainingSettings& settings, TrainingState<Real>& state,
           const TrainingHooks<Real>& hooks) {
  const auto steps = static_cast<std::uint64_t>(settings.steps);
  const auto every = static_cast<std::uint64_t>(settings.evaluate_every);
  const auto is_enough = [&] {
    return objective.is_enough && objective.is_enough(state.history.metrics.back());
  };
  std::vector<Real> gradient(state.weights.size());
  std::uint64_t checkpoint = hooks.checkpoint ? state.step : 0;
  if (state.history.size() == 0) evaluate(objective, state);
  while (state.step < steps && !is_enough()) {
    hooks.deadline.check();
    const double loss = objective.gradient(state.step, state.weights, gradient);
    if (!std::isfinite(loss)) refuse(fmt::format("the loss is {} at step {}", loss, state.step), checkpoint);
    state.loss_sum += loss;
    ++state.loss_count;
    optimiser_step<Real>(settings.optimiser, state.step, steps, gradient, state.moments, state.weights);
    ++state.step;
    if (state.step % every == 0 || state.step == steps) evaluate(objective, state);
    const bool is_due =
        hooks.checkpoint_every > 0 && state.step % static_cast<std::uint64_t>(hooks.checkpoint_every) == 0;
    if (hooks.checkpoint && (is_due || state.step == steps || is_enough())) {
      if (base::first_not_finite<Real>(state.weights))
        refuse(fmt::format("a weight is not finite after step {}", state.step), checkpoint);
      hooks.checkpoint(state);
      checkpoint = state.step;
    }
  }
}

template void train<float>(const Objective<float>&, const TrainingSettings&, TrainingState<float>&,
                           const TrainingHooks<float>&);
template void train<double>(const Objective<double>&, const TrainingSettings&, TrainingState<double>&,
                            const TrainingHooks<double>&);

}  // namespace ecphory::training
