#include "ecphory/compute/bias_relu.hpp"
#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
__global__ void bias_relu_kernel(View<const Real> bias /* (1, blocks) or none */,
                                 View<const Real> x /* (rows, columns) */,
                                 View<Real> y /* (rows, columns) */) {
  const Index width = bias.data == nullptr ? x.columns : x.columns / bias.columns;
  for_my_elements(x.rows, x.columns, [&](Index i, Index j) {
    const Real b = bias.data == nullptr ? Real{0} : *bias.column(j / width);
    const Real value = x.column(j)[i] + b;
    y.column(j)[i] = value <= 0 ? Real{0} : value;
  });
}

template <class Real>
__global__ void bias_relu_backward_kernel(View<const Real> y /* (rows, columns) */,
                                          View<const Real> dy /* (rows, columns) */,
                                          View<Real> dx /* (rows, columns) */,
                                          Real* sums /* (columns) of dx */) {
  const Index j = blockIdx.x;
  Real sum = 0;
  for (Index i = threadIdx.x; i < y.rows; i += blockDim.x) {
    const Real d = y.column(j)[i] > 0 ? dy.column(j)[i] : Real{0};
    dx.column(j)[i] = d;
    sum += d;
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) sums[j] = sum;
}

/// One block of threads for each block of `width` columns.
template <class Real>
__global__ void add_totals_kernel(const Real* sums /* (width · blocks) */, Index width,
                                  View<Real> dbias /* (1, blocks) */) {
  const Real* const mine = sums + blockIdx.x * width;
  Real sum = 0;
  for (Index j = threadIdx.x; j < width; j += blockDim.x) sum += mine[j];
  sum = block_sum(sum);
  if (threadIdx.x == 0) *dbias.column(blockIdx.x) += sum;
}

}  // namespace

template <class Real>
void Operations<Real>::bias_relu(In bias, In x, Out y) {
  elementwise(x.device, x.rows, x.columns, bias_relu_kernel<Real>, bias, x, y);
}

template <class Real>
void Operations<Real>::bias_relu_backward(In y, In dy, Out dx, Out dbias) {
  base::ensure(y.columns <= static_cast<Index>(Context::kScratch / sizeof(Real)),
               "a GPU's column sums fit into its scratch memory");
  auto* const sums = static_cast<Real*>(Context::of(y.device).scratch());
  columnwise(y.device, y.rows, y.columns, bias_relu_backward_kernel<Real>, y, dy, dx, sums);
  if (dbias.data != nullptr) {
    const Index width = y.columns / dbias.columns;
    columnwise(y.device, width, dbias.columns, add_totals_kernel<Real>, sums, width, dbias);
  }
}

template void Operations<float>::bias_relu(In, In, Out);
template void Operations<double>::bias_relu(In, In, Out);
template void Operations<float>::bias_relu_backward(In, In, Out, Out);
template void Operations<double>::bias_relu_backward(In, In, Out, Out);

}  // namespace ecphory::compute::cuda
