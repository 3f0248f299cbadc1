#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/fill.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
__global__ void fill_kernel(Real value, View<Real> y /* (rows, columns) */) {
  for_my_elements(y.rows, y.columns, [&](Index i, Index j) { y.column(j)[i] = value; });
}

}  // namespace

template <class Real>
void Operations<Real>::fill(Real value, Out y) {
  elementwise(y.device, y.rows, y.columns, fill_kernel<Real>, value, y);
}

template void Operations<float>::fill(float, Out);
template void Operations<double>::fill(double, Out);

}  // namespace ecphory::compute::cuda
