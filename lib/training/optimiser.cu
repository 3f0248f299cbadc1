#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/training/cuda_operations.hpp"

namespace ecphory::training::cuda {
namespace {

using compute::Index;
using compute::View;

template <class Real>
__global__ void sgd_steps_kernel(View<const OptimiserSettings> settings /* (1, runs) */,
                                 View<const std::uint64_t> step /* (1, runs) */, std::uint64_t steps,
                                 View<compute::SgdStep<Real>> to /* (1, runs) */) {
  compute::cuda::for_my_elements(1, to.columns, [&](Index, Index r) {
    *to.column(r) = sgd_step<Real>(*settings.column(r), *step.column(r), steps);
  });
}

template <class Real>
__global__ void adamw_steps_kernel(View<const OptimiserSettings> settings /* (1, runs) */,
                                   View<const std::uint64_t> step /* (1, runs) */, std::uint64_t steps,
                                   View<compute::AdamWStep<Real>> to /* (1, runs) */) {
  compute::cuda::for_my_elements(1, to.columns, [&](Index, Index r) {
    *to.column(r) = adamw_step<Real>(*settings.column(r), *step.column(r), steps);
  });
}

}  // namespace

template <class Real>
void Operations<Real>::sgd_steps(Settings settings, Step step, std::uint64_t steps,
                                 View<compute::SgdStep<Real>> to) {
  compute::cuda::elementwise(to.device, 1, to.columns, sgd_steps_kernel<Real>, settings, step, steps, to);
}

template <class Real>
void Operations<Real>::adamw_steps(Settings settings, Step step, std::uint64_t steps,
                                   View<compute::AdamWStep<Real>> to) {
  compute::cuda::elementwise(to.device, 1, to.columns, adamw_steps_kernel<Real>, settings, step, steps, to);
}

template struct Operations<float>;
template struct Operations<double>;

}  // namespace ecphory::training::cuda
