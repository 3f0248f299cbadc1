#pragma once
// The training loop, of one run or of several side by side.

#include <cstdint>
#include <exception>
#include <functional>
#include <span>
#include <vector>

#include "ecphory/base/deadline.hpp"
#include "ecphory/training/optimiser.hpp"

namespace ecphory::training {

/// What is trained: differentiable functions of weights, one for each run. Weights and gradients are
/// (weights, runs), steps and losses (1, runs), on the device of the training.
template <class Real>
struct Objective {
  /// Overwrites the loss of each run on its batch number step(r), and the gradient. Depends on its arguments
  /// alone. On a GPU it only starts work, that can be recorded in a compute::Graph.
  std::function<void(compute::View<const std::uint64_t> step, compute::View<const Real> weights,
                     compute::View<Real> gradient, compute::View<double> losses)>
      gradient;
  /// Numbers that tell how good each run's weights are, always as many and in one order.
  std::function<std::vector<std::vector<double>>(compute::View<const Real> weights)> evaluate;
  /// Whether a run may end with such numbers. Empty: never.
  std::function<bool(const std::vector<double>&)> is_enough = {};
};

/// What runs side by side have in common.
struct TrainingSettings {
  std::int64_t steps = 75'000;
  std::int64_t evaluate_every = 500;
  std::int64_t checkpoint_every = 0;  ///< steps; 0: only at the end
  base::Deadline deadline = {};
  compute::Device device = compute::kCpu;
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

/// One of the runs.
template <class Real>
struct Run {
  OptimiserSettings optimiser = {};
  TrainingState<Real> state = {};
  /// Gets states to go on from; empty: nobody wants them.
  std::function<void(const TrainingState<Real>&)> checkpoint = {};
  std::exception_ptr failure = {};  ///< why it ended before its time
};

/// Takes steps until there are `settings.steps` of them or the objective says it is enough, and evaluates
/// before the first, every so many and after the last. Training in two calls gives the same bits as in one.
/// All runs stand at one step, else Bug. A run whose loss or weights are not finite gets a UserError, which
/// names the step and its last checkpoint's, as its failure, and the others go on. Throws UserError when the
/// deadline has passed, and whatever a checkpoint throws. On a GPU, a step is one CUDA graph.
template <class Real>
void train(const Objective<Real>& objective, const TrainingSettings& settings, std::span<Run<Real>> runs);

extern template void train<float>(const Objective<float>&, const TrainingSettings&, std::span<Run<float>>);
extern template void train<double>(const Objective<double>&, const TrainingSettings&, std::span<Run<double>>);

}  // namespace ecphory::training
