#include "ecphory/compute/block_sums.hpp"
#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute::cuda {
namespace {

/// One block of threads for each sum.
template <class Real>
__global__ void block_sums_kernel(double scale, View<const Real> x /* (rows, columns) */,
                                  View<double> sums /* (rows, blocks) */) {
  const Index i = blockIdx.x % sums.rows;
  const Index b = blockIdx.x / sums.rows;
  const Index width = x.columns / sums.columns;
  double sum = 0;
  for (Index j = threadIdx.x; j < width; j += blockDim.x)
    sum += static_cast<double>(x.column(b * width + j)[i]);
  sum = block_sum(sum);
  if (threadIdx.x == 0) sums.column(b)[i] = scale * sum;
}

}  // namespace

template <class Real>
void Operations<Real>::block_sums(double scale, In x, View<double> sums) {
  columnwise(x.device, x.columns / sums.columns, sums.rows * sums.columns, block_sums_kernel<Real>, scale, x,
             sums);
}

template void Operations<float>::block_sums(double, In, View<double>);
template void Operations<double>::block_sums(double, In, View<double>);

}  // namespace ecphory::compute::cuda
