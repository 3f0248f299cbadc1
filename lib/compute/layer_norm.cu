#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/layer_norm.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
__global__ void layer_norm_kernel(Real epsilon, View<const Real> x /* (n, columns) */,
                                  View<const Real> gain /* (n, 1) */, View<const Real> shift /* (n, 1) */,
                                  View<Real> y /* (n, columns) */, View<Real> statistics /* (2, columns) */) {
  const Index n = x.rows;
  const Real* const in = x.column(blockIdx.x);
  Real* const out = y.column(blockIdx.x);
  Real sum = 0;
  for (Index i = threadIdx.x; i < n; i += blockDim.x) sum += in[i];
  const Real mean = block_sum(sum) / static_cast<Real>(n);
  Real squares = 0;
  for (Index i = threadIdx.x; i < n; i += blockDim.x) squares += (in[i] - mean) * (in[i] - mean);
  const Real inverse = 1 / std::sqrt(block_sum(squares) / static_cast<Real>(n) + epsilon);
  for (Index i = threadIdx.x; i < n; i += blockDim.x)
    out[i] = gain.data[i] * ((in[i] - mean) * inverse) + shift.data[i];
  if (threadIdx.x == 0) {
    statistics.column(blockIdx.x)[0] = mean;
    statistics.column(blockIdx.x)[1] = inverse;
  }
}

/// dy ∘ x̂, element by element.
template <class Real>
struct OfGain {
  View<const Real> x;           // (n, columns)
  View<const Real> statistics;  // (2, columns)
  View<const Real> dy;          // (n, columns)
  __device__ Real operator()(Index i, Index j) const {
    return dy.column(j)[i] * ((x.column(j)[i] - statistics.column(j)[0]) * statistics.column(j)[1]);
  }
};

template <class Real>
__global__ void layer_norm_backward_kernel(View<const Real> x /* (n, columns) */,
                                           View<const Real> gain /* (n, 1) */,
                                           View<const Real> statistics /* (2, columns) */,
                                           View<const Real> dy /* (n, columns) */,
                                           View<Real> dx /* (n, columns) */) {
  const Index n = x.rows;
  const Real mean = statistics.column(blockIdx.x)[0];
  const Real inverse = statistics.column(blockIdx.x)[1];
  const Real* const value = x.column(blockIdx.x);
  const Real* const in = dy.column(blockIdx.x);
  Real* const out = dx.column(blockIdx.x);
  Real sum = 0;      // of g
  Real overlap = 0;  // of g ∘ x̂
  for (Index i = threadIdx.x; i < n; i += blockDim.x) {
    const Real g = gain.data[i] * in[i];
    sum += g;
    overlap += g * ((value[i] - mean) * inverse);
  }
  const Real mean_g = block_sum(sum) / static_cast<Real>(n);
  const Real mean_overlap = block_sum(overlap) / static_cast<Real>(n);
  for (Index i = threadIdx.x; i < n; i += blockDim.x) {
    const Real normal = (value[i] - mean) * inverse;
    out[i] = inverse * (gain.data[i] * in[i] - mean_g - normal * mean_overlap);
  }
}

}  // namespace

template <class Real>
void Operations<Real>::layer_norm(Real epsilon, In x, In gain, In shift, Out y, Out statistics) {
  columnwise(x.device, x.rows, x.columns, layer_norm_kernel<Real>, epsilon, x, gain, shift, y, statistics);
}

/// dgain and dshift first: dx may overwrite dy.
template <class Real>
void Operations<Real>::layer_norm_backward(In x, In gain, In statistics, In dy, Out dx, Out dgain,
                                           Out dshift) {
  add_row_sums(OfGain<Real>{x, statistics, dy}, x.columns, dgain);
  add_row_sums(ElementOf<Real>{dy}, x.columns, dshift);
  columnwise(x.device, x.rows, x.columns, layer_norm_backward_kernel<Real>, x, gain, statistics, dy, dx);
}

template void Operations<float>::layer_norm(float, In, In, In, Out, Out);
template void Operations<double>::layer_norm(double, In, In, In, Out, Out);
template void Operations<float>::layer_norm_backward(In, In, In, In, Out, Out, Out);
template void Operations<double>::layer_norm_backward(In, In, In, In, Out, Out, Out);

}  // namespace ecphory::compute::cuda
