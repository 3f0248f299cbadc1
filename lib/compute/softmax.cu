#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/exponential.hpp"
#include "ecphory/compute/softmax.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
__global__ void softmax_kernel(Real beta, View<const Real> x /* (n, columns) */,
                               View<Real> p /* (n, columns) */) {
  const Real* const in = x.column(blockIdx.x);
  Real* const out = p.column(blockIdx.x);
  const Real largest = block_largest(in, x.rows);
  Real sum = 0;
  for (Index i = threadIdx.x; i < x.rows; i += blockDim.x) {
    out[i] = exp_of_nonpositive(beta * (in[i] - largest));
    sum += out[i];
  }
  const Real scale = 1 / block_sum(sum);
  for (Index i = threadIdx.x; i < x.rows; i += blockDim.x) out[i] *= scale;
}

template <class Real>
__global__ void log_sum_exp_kernel(Real beta, View<const Real> x /* (n, columns) */,
                                   View<Real> l /* (1, columns) */) {
  const Real* const in = x.column(blockIdx.x);
  const Real largest = block_largest(in, x.rows);
  Real sum = 0;
  for (Index i = threadIdx.x; i < x.rows; i += blockDim.x)
    sum += exp_of_nonpositive(beta * (in[i] - largest));
  sum = block_sum(sum);
  if (threadIdx.x == 0) *l.column(blockIdx.x) = largest + log(sum) / beta;
}

}  // namespace

template <class Real>
void Operations<Real>::softmax(Real beta, In x, Out p) {
  columnwise(x.device, x.rows, x.columns, softmax_kernel<Real>, beta, x, p);
}

template <class Real>
void Operations<Real>::log_sum_exp(Real beta, In x, Out l) {
  columnwise(x.device, x.rows, x.columns, log_sum_exp_kernel<Real>, beta, x, l);
}

template void Operations<float>::softmax(float, In, Out);
template void Operations<double>::softmax(double, In, Out);
template void Operations<float>::log_sum_exp(float, In, Out);
template void Operations<double>::log_sum_exp(double, In, Out);

}  // namespace ecphory::compute::cuda
