#pragma once
// The training loop.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ecphory/base/deadline.hpp"
#include "ecphory/training/optimiser.hpp"

namespace ecphory::training {

/// What is trained: a differentiable function of weights.
template <class Real>
struct Objective {
  /// The loss on batch number `step`, and its gradient, which is overwritten. Depends on its arguments alone.
  std::function<double(std::uint64_t step, std::span<const Real> weights, std::span<Real> gradient)> gradient;
  /// Numbers that tell how good the weights are, always as many and in one order.
  std::function<std::vector<double>(std::span<const Real> weights)> evaluate;
  /// Whether training may end with such numbers. Empty: never.
  std::function<bool(const std::vector<double>&)> is_enough = {};
};

struct TrainingSettings {
  std::int64_t steps = 75'000;
  std::int64_t evaluate_every = 500;
  OptimiserSettings optimiser = {};
};

/// Evaluations in the order in which they were made.
struct History {
  std::vector<std::int64_t> step;     ///< steps that had been taken
  std::vector<double> training_loss;  ///< mean over the steps since the evaluation before; NaN for the first
  std::vector<std::vector<double>> metrics;  ///< of Objective::evaluate

  std::size_t size() const { return step.size(); }
};

/// Everything that training goes on from.
template <class Real>
struct TrainingState {
  std::vector<Real> weights = {};
  Moments<Real> moments = {};
  std::uint64_t step = 0;  ///< steps taken
  double loss_sum = 0;     ///< of the steps since the last evaluation
  std::uint64_t loss_count = 0;
  History history = {};
};

/// What the loop asks or tells on its way.
template <class Real>
struct TrainingHooks {
  std::int64_t checkpoint_every = 0;  ///< steps; 0: never
  std::function<void(const TrainingState<Real>&)> checkpoint = {};
  base::Deadline deadline = {};
};

/// Takes steps until there are `settings.steps` of them or the objective says it is enough, and evaluates
/// before the first, every so many and after the last. Training in two calls gives the same bits as in one.
/// Throws UserError, which names the step and the last checkpoint's, when the loss is not finite, and when
/// the deadline has passed.
template <class Real>
void train(const Objective<Real>& objective, const TrainingSettings& settings, TrainingState<Real>& state,
           const TrainingHooks<Real>& hooks = {});

extern template void train<float>(const Objective<float>&, const TrainingSettings&, TrainingState<float>&,
                                  const TrainingHooks<float>&);
extern template void train<double>(const Objective<double>&, const TrainingSettings&, TrainingState<double>&,
                                   const TrainingHooks<double>&);

}  // namespace ecphory::training
