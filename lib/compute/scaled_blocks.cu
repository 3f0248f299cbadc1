#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/scaled_blocks.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
__global__ void add_scaled_blocks_kernel(View<const Real> factors /* (1, blocks) */,
                                         View<const Real> x /* (rows, columns) */,
                                         View<Real> y /* (rows, columns) */) {
  const Index width = y.columns / factors.columns;
  for_my_elements(y.rows, y.columns,
                  [&](Index i, Index j) { y.column(j)[i] += *factors.column(j / width) * x.column(j)[i]; });
}

/// One block of threads for each block of columns.
template <class Real>
__global__ void add_scaled_blocks_backward_kernel(View<const Real> factors /* (1, blocks) */,
                                                  View<const Real> x /* (rows, columns) */,
                                                  View<const Real> dy /* (rows, columns) */,
                                                  View<Real> dx /* (rows, columns) */,
                                                  View<Real> dfactors /* (1, blocks) */) {
  const Index width = dx.columns / factors.columns;
  const Index first = Index{blockIdx.x} * width;
  const Real factor = *factors.column(blockIdx.x);
  Real sum = 0;
  for (Index k = threadIdx.x; k < dx.rows * width; k += blockDim.x) {
    const Index i = k % dx.rows;
    const Index j = first + k / dx.rows;
    const Real d = dy.column(j)[i];
    sum += x.column(j)[i] * d;
    dx.column(j)[i] = factor * d;
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) *dfactors.column(blockIdx.x) += sum;
}

}  // namespace

template <class Real>
void Operations<Real>::add_scaled_blocks(In factors, In x, Out y) {
  elementwise(y.device, y.rows, y.columns, add_scaled_blocks_kernel<Real>, factors, x, y);
}

template <class Real>
void Operations<Real>::add_scaled_blocks_backward(In factors, In x, In dy, Out dx, Out dfactors) {
  columnwise(dx.device, dx.rows * (dx.columns / factors.columns), factors.columns,
             add_scaled_blocks_backward_kernel<Real>, factors, x, dy, dx, dfactors);
}

template void Operations<float>::add_scaled_blocks(In, In, Out);
template void Operations<double>::add_scaled_blocks(In, In, Out);
template void Operations<float>::add_scaled_blocks_backward(In, In, In, Out, Out);
template void Operations<double>::add_scaled_blocks_backward(In, In, In, Out, Out);

}  // namespace ecphory::compute::cuda
