#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/sgd.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
__global__ void sgd_kernel(View<const SgdStep<Real>> steps /* (1, columns) */,
                           View<const Real> gradient /* (rows, columns) */,
                           View<Real> w /* (rows, columns) */) {
  for_my_elements(w.rows, w.columns,
                  [&](Index i, Index j) { (*steps.column(j))(gradient.column(j)[i], w.column(j)[i]); });
}

}  // namespace

template <class Real>
void Operations<Real>::sgd(View<const SgdStep<Real>> steps, In gradient, Out w) {
  elementwise(w.device, w.rows, w.columns, sgd_kernel<Real>, steps, gradient, w);
}

template void Operations<float>::sgd(View<const SgdStep<float>>, In, Out);
template void Operations<double>::sgd(View<const SgdStep<double>>, In, Out);

}  // namespace ecphory::compute::cuda
