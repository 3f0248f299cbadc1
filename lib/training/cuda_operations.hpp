#pragma once
// The CUDA half of what a step of training does beside operations, as compute/cuda_operations.hpp is of
// those. A build without CUDA has cuda_absent.cpp instead: there, a call is a Bug.

#include "ecphory/training/optimiser.hpp"
#include "ecphory/training/progress.hpp"

namespace ecphory::training::cuda {

/// sgd_step and adamw_step of every run; all views are (1, runs).
template <class Real>
struct Operations {
  using Settings = compute::View<const OptimiserSettings>;
  using Step = compute::View<const std::uint64_t>;

  static void sgd_steps(Settings settings, Step step, std::uint64_t steps,
                        compute::View<compute::SgdStep<Real>> to);
  static void adamw_steps(Settings settings, Step step, std::uint64_t steps,
                          compute::View<compute::AdamWStep<Real>> to);
};

void count_step(compute::View<const double> losses, compute::View<std::uint64_t> step,
                compute::View<Progress> progress);

}  // namespace ecphory::training::cuda
