#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/sgd.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
__global__ void sgd_kernel(Real rate, Real decay, View<const Real> gradient /* (rows, columns) */,
                           View<Real> w /* (rows, columns) */) {
  for_my_elements(w.rows, w.columns, [&](Index i, Index j) {
    w.column(j)[i] = (1 - decay) * w.column(j)[i] - rate * gradient.column(j)[i];
  });
}

}  // namespace

template <class Real>
void Operations<Real>::sgd(Real rate, Real decay, In gradient, Out w) {
  elementwise(w.device, w.rows, w.columns, sgd_kernel<Real>, rate, decay, gradient, w);
}

template void Operations<float>::sgd(float, float, In, Out);
template void Operations<double>::sgd(double, double, In, Out);

}  // namespace ecphory::compute::cuda
