#include "ecphory/attention/cuda_passes.hpp"
#include "ecphory/attention/induction.hpp"
#include "ecphory/compute/cuda_kernel.cuh"

namespace ecphory::attention::cuda {
namespace {

template <class Real>
__global__ void induction_kernel(compute::View<const std::int32_t> classes /* (N + 1, sequences) */,
                                 compute::View<const Real> attention /* (2 N + 1, sequences) */,
                                 compute::View<Real> strength /* (1, sequences) */) {
  compute::cuda::for_my_elements(1, strength.columns, [&](Index, Index s) {
    *strength.column(s) = induction_of(classes.column(s), classes.rows - 1, attention.column(s));
  });
}

}  // namespace

template <class Real>
void Passes<Real>::induction(compute::View<const std::int32_t> classes, In attention, Out strength) {
  compute::cuda::elementwise(strength.device, 1, strength.columns, induction_kernel<Real>, classes, attention,
                             strength);
}

template void Passes<float>::induction(compute::View<const std::int32_t>, In, Out);
template void Passes<double>::induction(compute::View<const std::int32_t>, In, Out);

}  // namespace ecphory::attention::cuda
