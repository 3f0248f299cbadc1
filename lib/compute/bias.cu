#include "ecphory/compute/bias.hpp"
#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
__global__ void add_bias_kernel(View<const Real> bias /* (rows, 1) */, View<Real> y /* (rows, columns) */) {
  for_my_elements(y.rows, y.columns, [&](Index i, Index j) { y.column(j)[i] += bias.data[i]; });
}

}  // namespace

template <class Real>
void Operations<Real>::add_bias(In bias, Out y) {
  elementwise(y.device, y.rows, y.columns, add_bias_kernel<Real>, bias, y);
}

template <class Real>
void Operations<Real>::add_bias_backward(In dy, Out dbias) {
  add_row_sums(ElementOf<Real>{dy}, dy.columns, dbias);
}

template void Operations<float>::add_bias(In, Out);
template void Operations<double>::add_bias(In, Out);
template void Operations<float>::add_bias_backward(In, Out);
template void Operations<double>::add_bias_backward(In, Out);

}  // namespace ecphory::compute::cuda
