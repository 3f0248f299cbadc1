#include "ecphory/compute/causal_softmax.hpp"
#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/exponential.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
__global__ void causal_softmax_kernel(Real beta, View<const Real> s /* (T, T · blocks) */,
                                      View<Real> p /* (T, T · blocks) */) {
  const Index n = blockIdx.x % s.rows + 1;
  const Real* const in = s.column(blockIdx.x);
  Real* const out = p.column(blockIdx.x);
  const Real largest = block_largest(in, n);
  Real sum = 0;
  for (Index j = threadIdx.x; j < n; j += blockDim.x) {
    out[j] = exp_of_nonpositive(beta * (in[j] - largest));
    sum += out[j];
  }
  const Real scale = 1 / block_sum(sum);
  for (Index j = threadIdx.x; j < s.rows; j += blockDim.x) out[j] = j < n ? out[j] * scale : Real{0};
}

template <class Real>
__global__ void causal_softmax_backward_kernel(Real beta, View<const Real> p /* (T, T · blocks) */,
                                               View<const Real> dp /* (T, T · blocks) */,
                                               View<Real> ds /* (T, T · blocks) */) {
  const Real* const probability = p.column(blockIdx.x);
  const Real* const in = dp.column(blockIdx.x);
  Real* const out = ds.column(blockIdx.x);
  Real mean = 0;
  for (Index j = threadIdx.x; j < p.rows; j += blockDim.x) mean += probability[j] * in[j];
  mean = block_sum(mean);
  for (Index j = threadIdx.x; j < p.rows; j += blockDim.x) out[j] = beta * probability[j] * (in[j] - mean);
}

}  // namespace

template <class Real>
void Operations<Real>::causal_softmax(Real beta, In s, Out p) {
  columnwise(s.device, s.rows, s.columns, causal_softmax_kernel<Real>, beta, s, p);
}

template <class Real>
void Operations<Real>::causal_softmax_backward(Real beta, In p, In dp, Out ds) {
  columnwise(p.device, p.rows, p.columns, causal_softmax_backward_kernel<Real>, beta, p, dp, ds);
}

template void Operations<float>::causal_softmax(float, In, Out);
template void Operations<double>::causal_softmax(double, In, Out);
template void Operations<float>::causal_softmax_backward(float, In, In, Out);
template void Operations<double>::causal_softmax_backward(double, In, In, Out);

}  // namespace ecphory::compute::cuda
