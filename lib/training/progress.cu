#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/training/cuda_operations.hpp"

namespace ecphory::training::cuda {
namespace {

using compute::Index;
using compute::View;

__global__ void count_step_kernel(View<const double> losses /* (1, runs) */,
                                  View<std::uint64_t> step /* (1, runs) */,
                                  View<Progress> progress /* (1, runs) */) {
  compute::cuda::for_my_elements(1, step.columns, [&](Index, Index r) {
    progress.column(r)->count(*losses.column(r), (*step.column(r))++);
  });
}

}  // namespace

void count_step(View<const double> losses, View<std::uint64_t> step, View<Progress> progress) {
  compute::cuda::elementwise(step.device, 1, step.columns, count_step_kernel, losses, step, progress);
}

}  // namespace ecphory::training::cuda
