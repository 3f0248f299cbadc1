#include "ecphory/compute/axpby.hpp"
#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
__global__ void axpby_kernel(Real alpha, View<const Real> x /* (rows, columns) */, Real beta,
                             View<Real> y /* (rows, columns) */) {
  for_my_elements(y.rows, y.columns, [&](Index i, Index j) {
    const Real more = alpha * x.column(j)[i];
    y.column(j)[i] = beta == 0 ? more : more + beta * y.column(j)[i];
  });
}

}  // namespace

template <class Real>
void Operations<Real>::axpby(Real alpha, In x, Real beta, Out y) {
  elementwise(y.device, y.rows, y.columns, axpby_kernel<Real>, alpha, x, beta, y);
}

template void Operations<float>::axpby(float, In, float, Out);
template void Operations<double>::axpby(double, In, double, Out);

}  // namespace ecphory::compute::cuda
