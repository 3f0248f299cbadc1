#include "ecphory/compute/axpby.hpp"
#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/softmax.hpp"
#include "ecphory/dynamics/cuda_operations.hpp"
#include "ecphory/dynamics/lagrangian.hpp"

namespace ecphory::dynamics::cuda {
namespace {

using compute::Index;
using compute::View;

template <class Real>
struct TanhOutput {
  Real gain;
  __device__ Real operator()(Real x) const { return tanh(gain * x); }
};

template <class Real>
struct LogisticOutput {
  Real half_gain;
  __device__ Real operator()(Real x) const { return Real(0.5) + Real(0.5) * tanh(half_gain * x); }
};

template <class Real>
struct SignOutput {
  __device__ Real operator()(Real x) const { return x >= 0 ? Real(1) : x < 0 ? Real(-1) : x; }
};

template <class Real>
struct PowerOutput {
  bool rectified;
  int exponent;
  __device__ Real operator()(Real x) const {
    const Real base = rectified && !(x > 0) ? Real(0) : x;
    Real result = 1;
    for (int k = 0; k < exponent; ++k) result *= base;
    return result;
  }
};

template <class Real, class Output>
__global__ void elementwise_kernel(Output output, View<const Real> x /* (neurons, columns) */,
                                   View<Real> g /* (neurons, columns) */) {
  compute::cuda::for_my_elements(g.rows, g.columns,
                                 [&](Index i, Index j) { g.column(j)[i] = output(x.column(j)[i]); });
}

template <class Real>
__global__ void spherical_kernel(View<const Real> x /* (neurons, columns) */,
                                 View<Real> g /* (neurons, columns) */) {
  const Real* const in = x.column(blockIdx.x);
  Real* const out = g.column(blockIdx.x);
  Real sum = 0;
  for (Index i = threadIdx.x; i < x.rows; i += blockDim.x) sum += in[i] * in[i];
  const Real length = sqrt(compute::cuda::block_sum(sum));
  const Real inverse = length == 0 ? Real(0) : 1 / length;
  for (Index i = threadIdx.x; i < x.rows; i += blockDim.x) out[i] = in[i] * inverse;
}

/// One block of threads for each block of neurons of a column.
template <class Real>
__global__ void layer_norm_kernel(Index groups, Real gain, Real epsilon,
                                  View<const Real> x /* (neurons, columns) */,
                                  View<Real> g /* (neurons, columns) */) {
  const Index n = x.rows / groups;
  const Index first = blockIdx.x % groups * n;
  const Real* const in = x.column(blockIdx.x / groups) + first;
  Real* const out = g.column(blockIdx.x / groups) + first;
  Real sum = 0;
  for (Index i = threadIdx.x; i < n; i += blockDim.x) sum += in[i];
  const Real mean = compute::cuda::block_sum(sum) / static_cast<Real>(n);
  sum = 0;
  for (Index i = threadIdx.x; i < n; i += blockDim.x) sum += (in[i] - mean) * (in[i] - mean);
  const Real scale = gain / sqrt(compute::cuda::block_sum(sum) / static_cast<Real>(n) + epsilon);
  for (Index i = threadIdx.x; i < n; i += blockDim.x) out[i] = scale * (in[i] - mean);
}

template <class Real>
struct Gradient {
  View<const Real> x;
  View<Real> g;

  template <class Output>
  void each(const Output& output) const {
    compute::cuda::elementwise(g.device, g.rows, g.columns, elementwise_kernel<Real, Output>, output, x, g);
  }

  void operator()(const Quadratic&) const { compute::axpby<Real>(1, x, 0, g); }
  void operator()(const LogSumExp& l) const { compute::softmax<Real>(static_cast<Real>(l.beta), x, g); }
  void operator()(const Tanh& l) const { each(TanhOutput<Real>{static_cast<Real>(l.gain)}); }
  void operator()(const Logistic& l) const { each(LogisticOutput<Real>{static_cast<Real>(0.5 * l.gain)}); }
  void operator()(const Sign&) const { each(SignOutput<Real>{}); }
  void operator()(const RectifiedPower& l) const { each(PowerOutput<Real>{true, l.degree - 1}); }
  void operator()(const Power& l) const { each(PowerOutput<Real>{false, l.degree - 1}); }
  void operator()(const Spherical&) const {
    compute::cuda::columnwise(g.device, g.rows, g.columns, spherical_kernel<Real>, x, g);
  }
  void operator()(const LayerNorm& l) const {
    compute::cuda::columnwise(g.device, g.rows / l.groups, g.columns * l.groups, layer_norm_kernel<Real>,
                              l.groups, static_cast<Real>(l.gain), static_cast<Real>(l.epsilon), x, g);
  }
  void operator()(const Entmax&) const { throw base::Bug("entmax has no form for a GPU"); }
};

}  // namespace

template <class Real>
void Operations<Real>::gradient(const Lagrangian& lagrangian, In x, Out g) {
  std::visit(Gradient<Real>{x, g}, lagrangian);
}

template void Operations<float>::gradient(const Lagrangian&, In, Out);
template void Operations<double>::gradient(const Lagrangian&, In, Out);

}  // namespace ecphory::dynamics::cuda
