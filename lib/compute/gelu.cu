#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/gelu.hpp"
#include "ecphory/compute/normal.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
__global__ void gelu_kernel(View<const Real> x /* (rows, columns) */, View<Real> y /* (rows, columns) */) {
  for_my_elements(x.rows, x.columns, [&](Index i, Index j) {
    const Real value = x.column(j)[i];
    y.column(j)[i] = value * normal_at(value).distribution;
  });
}

template <class Real>
__global__ void gelu_backward_kernel(View<const Real> x /* (rows, columns) */,
                                     View<const Real> dy /* (rows, columns) */,
                                     View<Real> dx /* (rows, columns) */) {
  for_my_elements(x.rows, x.columns, [&](Index i, Index j) {
    const Real value = x.column(j)[i];
    const Normal<Real> normal = normal_at(value);
    dx.column(j)[i] = dy.column(j)[i] * std::fma(value, normal.density, normal.distribution);
  });
}

}  // namespace

template <class Real>
void Operations<Real>::gelu(In x, Out y) {
  elementwise(x.device, x.rows, x.columns, gelu_kernel<Real>, x, y);
}

template <class Real>
void Operations<Real>::gelu_backward(In x, In dy, Out dx) {
  elementwise(x.device, x.rows, x.columns, gelu_backward_kernel<Real>, x, dy, dx);
}

template void Operations<float>::gelu(In, Out);
template void Operations<double>::gelu(In, Out);
template void Operations<float>::gelu_backward(In, In, Out);
template void Operations<double>::gelu_backward(In, In, Out);

}  // namespace ecphory::compute::cuda
