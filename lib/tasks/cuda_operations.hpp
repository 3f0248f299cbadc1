#pragma once
// The CUDA half of what tasks draw on a GPU, as compute/cuda_operations.hpp is of operations. A build without
// CUDA has cuda_absent.cpp instead: there, a call is a Bug.

#include "ecphory/tasks/gaussian_mixture_plan.hpp"

namespace ecphory::tasks::cuda {

/// MixtureSampler::draw; `runs` (1, R), `step` and `batch` are on one GPU.
template <class Real>
void draw(const compute::Array<MixtureConstants<Real>>& runs, compute::View<const std::uint64_t> step,
          std::uint32_t offset, InContextBatch<Real>& batch);

}  // namespace ecphory::tasks::cuda
