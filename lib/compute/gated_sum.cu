#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/gated_sum.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
__global__ void gated_sum_kernel(View<const Real> keep /* (rows, 1) */, View<const Real> gate /* (rows, 1) */,
                                 View<const Real> y /* (rows, columns) */,
                                 View<Real> x /* (rows, columns) */) {
  for_my_elements(x.rows, x.columns, [&](Index i, Index j) {
    x.column(j)[i] = keep.data[i] * x.column(j)[i] + gate.data[i] * y.column(j)[i];
  });
}

}  // namespace

template <class Real>
void Operations<Real>::gated_sum(In keep, In gate, In y, Out x) {
  elementwise(x.device, x.rows, x.columns, gated_sum_kernel<Real>, keep, gate, y, x);
}

template void Operations<float>::gated_sum(In, In, In, Out);
template void Operations<double>::gated_sum(In, In, In, Out);

}  // namespace ecphory::compute::cuda
