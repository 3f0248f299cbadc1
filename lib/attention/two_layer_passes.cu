// One block of threads a sequence. A warp takes a token, or a pair of tokens, where something is summed over
// the width; elsewhere a thread takes a neuron. What threads hand to each other lies in the results
// themselves.

#include "ecphory/attention/cuda_passes.hpp"
#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/exponential.hpp"

namespace ecphory::attention::cuda {
namespace {

using compute::Batch;
using compute::View;
using compute::cuda::kWarp;

__device__ Index lane() { return threadIdx.x % kWarp; }
__device__ Index warp() { return threadIdx.x / kWarp; }
__device__ Index warps() { return blockDim.x / kWarp; }

/// The values of a warp's threads combined, for each of them.
template <class Real, class Combine>
__device__ Real of_warp(Real value, const Combine& combine) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2)
    value = combine(value, __shfl_xor_sync(0xffffffffU, value, distance));
  return value;
}

template <class Real>
__device__ Real warp_sum(Real value) {
  return of_warp(value, [](Real a, Real b) { return a + b; });
}

/// Σ term(k), k < n, by the threads of a warp.
template <class Real, class Term>
__device__ Real sum_over(Index n, const Term& term) {
  Real sum = 0;
  for (Index k = lane(); k < n; k += kWarp) sum += term(k);
  return warp_sum(sum);
}

/// The tokens of this block's sequence, X (W, T).
template <class Real>
struct Sequence {
  __device__ explicit Sequence(const PositionedTokens<Real>& x)
      : positions(x.positions),
        tokens(x.tokens),
        number(blockIdx.x),
        shift(*x.shift.column(blockIdx.x)),
        content(x.content) {}

  __device__ const Real* content_of(Index t) const { return content.column(number * tokens + t); }
  __device__ Index width() const { return positions + content.rows; }

  /// x_t · v, by a warp.
  __device__ Real times(Index t, const Real* v) const {
    const Real* const x = content_of(t);
    const Real* const below = v + positions;
    return v[shift + t] + sum_over<Real>(content.rows, [&](Index k) { return x[k] * below[k]; });
  }

  /// out ← X w of the first n tokens. w may be where the positions of `out` take it, out + shift.
  __device__ void sum(const Real* w, Index n, Real* out) const {
    for (Index k = threadIdx.x; k < width(); k += blockDim.x) {
      if (k < positions) {
        const Index t = k - shift;
        out[k] = t >= 0 && t < n ? w[t] : Real{0};
        continue;
      }
      Real total = 0;
      for (Index t = 0; t < n; ++t) total += w[t] * content_of(t)[k - positions];
      out[k] = total;
    }
  }

  Index positions;
  Index tokens;
  Index number;
  Index shift;
  View<const Real> content;  // (D, T · sequences)
};

/// x ← softmax(x) of the first n numbers, by a warp; the others up to `all` become 0.
template <class Real>
__device__ void softmax(Real* x, Index n, Index all) {
  Real largest = -std::numeric_limits<Real>::infinity();
  const auto larger = [](Real a, Real b) { return a > b ? a : b; };
  for (Index j = lane(); j < n; j += kWarp) largest = larger(x[j], largest);
  largest = of_warp(largest, larger);
  Real sum = 0;
  for (Index j = lane(); j < n; j += kWarp) {
    x[j] = compute::exp_of_nonpositive(x[j] - largest);
    sum += x[j];
  }
  const Real scale = 1 / warp_sum(sum);
  for (Index j = lane(); j < all; j += kWarp) x[j] = j < n ? x[j] * scale : Real{0};
}

template <class Real>
__global__ void first_layer_kernel(PositionedTokens<Real> tokens, Batch<const Real> b /* (W, W) */,
                                   View<Real> z /* (W, T · sequences) */,
                                   View<Real> p1 /* (T, T · sequences) */, View<Real> u /* (W, sequences) */,
                                   View<Real> x_last /* (W, sequences) */) {
  const Sequence<Real> x(tokens);
  const Index n = x.tokens;
  const Index matrix = x.number / (tokens.shift.columns / b.count);
  const Real* const of_positions = b.first.data + matrix * b.step;
  for (Index k = threadIdx.x; k < n * z.rows; k += blockDim.x) {
    const Index i = k / z.rows;
    z.column(x.number * n + i)[k % z.rows] += of_positions[(x.shift + i) * b.first.stride + k % z.rows];
  }
  __syncthreads();
  for (Index pair = warp(); pair < n * n; pair += warps()) {
    const Index i = pair / n;
    const Index j = pair % n;
    if (j > i) continue;
    const Real score = x.times(j, z.column(x.number * n + i));
    if (lane() == 0) p1.column(x.number * n + i)[j] = score;
  }
  __syncthreads();
  for (Index i = warp(); i < n; i += warps()) softmax(p1.column(x.number * n + i), i + 1, n);
  __syncthreads();
  x.sum(p1.column(x.number * n + n - 1), n, u.column(x.number));
  for (Index k = threadIdx.x; k < x.width(); k += blockDim.x) {
    const bool is_content = k >= x.positions;
    x_last.column(x.number)[k] =
        is_content ? x.content_of(n - 1)[k - x.positions] : Real(k == x.shift + n - 1);
  }
}

template <class Real>
__global__ void last_token_kernel(PositionedTokens<Real> tokens, View<const Real> p1 /* (T, T · sequences) */,
                                  View<const Real> a /* (W, sequences) */,
                                  View<const Real> g /* (W, sequences) */, View<Real> y /* (T, sequences) */,
                                  View<Real> p /* (T, sequences) */, View<Real> w /* (T, sequences) */,
                                  View<Real> c /* (W, sequences) */, View<Real> d /* (W, sequences) */) {
  const Sequence<Real> x(tokens);
  const Index n = x.tokens;
  Real* const of_y = y.column(x.number);
  Real* const of_p = p.column(x.number);
  Real* const of_w = w.column(x.number);
  for (Index t = warp(); t < n; t += warps()) {
    const Real value = x.times(t, g.column(x.number));
    if (lane() == 0) of_y[t] = value;
  }
  __syncthreads();
  for (Index t = warp(); t < n; t += warps()) {
    const Real* const first = p1.column(x.number * n + t);
    const Real score =
        x.times(t, a.column(x.number)) + sum_over<Real>(n, [&](Index j) { return first[j] * of_y[j]; });
    if (lane() == 0) of_p[t] = score;
  }
  __syncthreads();
  if (warp() == 0) softmax(of_p, n, n);
  __syncthreads();
  for (Index j = warp(); j < n; j += warps()) {
    const Real value = sum_over<Real>(n, [&](Index i) { return p1.column(x.number * n + i)[j] * of_p[i]; });
    if (lane() == 0) of_w[j] = value;
  }
  __syncthreads();
  x.sum(of_p, n, c.column(x.number));
  x.sum(of_w, n, d.column(x.number));
}

template <class Real>
__global__ void last_token_backward_kernel(
    PositionedTokens<Real> tokens, View<const Real> p1 /* (T, T · sequences) */,
    View<const Real> p /* (T, sequences) */, View<const Real> dc /* (W, sequences) */,
    View<const Real> dd /* (W, sequences) */, View<Real> dt /* (T, sequences) */,
    View<Real> dw /* (T, sequences) */, View<Real> da /* (W, sequences) */,
    View<Real> dg /* (W, sequences) */) {
  const Sequence<Real> x(tokens);
  const Index n = x.tokens;
  const Real* const of_p = p.column(x.number);
  Real* const of_t = dt.column(x.number);
  Real* const of_w = dw.column(x.number);
  Real* const of_y = dg.column(x.number) + x.shift;
  // c = X p, d = X w, w = p_1 p
  for (Index t = warp(); t < n; t += warps()) {
    const Real value = x.times(t, dd.column(x.number));
    if (lane() == 0) of_w[t] = value;
  }
  __syncthreads();
  for (Index t = warp(); t < n; t += warps()) {
    const Real* const first = p1.column(x.number * n + t);
    const Real value =
        x.times(t, dc.column(x.number)) + sum_over<Real>(n, [&](Index j) { return first[j] * of_w[j]; });
    if (lane() == 0) of_t[t] = value;
  }
  __syncthreads();
  // p = softmax(t)
  if (warp() == 0) {
    const Real mean = sum_over<Real>(n, [&](Index t) { return of_p[t] * of_t[t]; });
    for (Index t = lane(); t < n; t += kWarp) of_t[t] = of_p[t] * (of_t[t] - mean);
  }
  __syncthreads();
  // t = Xᵀ a + p_1ᵀ y, y = Xᵀ g
  x.sum(of_t, n, da.column(x.number));
  for (Index j = warp(); j < n; j += warps()) {
    const Real value = sum_over<Real>(n, [&](Index i) { return p1.column(x.number * n + i)[j] * of_t[i]; });
    if (lane() == 0) of_y[j] = value;
  }
  __syncthreads();
  x.sum(of_y, n, dg.column(x.number));
}

template <class Real>
__global__ void first_layer_backward_kernel(
    PositionedTokens<Real> tokens, View<const Real> p1 /* (T, T · sequences) */,
    View<const Real> p /* (T, sequences) */, View<const Real> y /* (T, sequences) */,
    View<const Real> dt /* (T, sequences) */, View<const Real> dw /* (T, sequences) */,
    View<const Real> du /* (W, sequences) */, View<Real> dz /* (W, T · sequences) */) {
  const Sequence<Real> x(tokens);
  const Index n = x.tokens;
  const Real* const of_w = dw.column(x.number);
  const Real* const of_y = y.column(x.number);
  // u = X p_1(:, T−1): what goes back to p_1 there, where dS of that column goes too.
  Real* const of_last = dz.column(x.number * n + n - 1) + x.shift;
  for (Index t = warp(); t < n; t += warps()) {
    const Real value = x.times(t, du.column(x.number));
    if (lane() == 0) of_last[t] = value;
  }
  __syncthreads();
  // w = p_1 p, t = … + p_1ᵀ y, and p_1 = softmax(S)
  for (Index i = warp(); i < n; i += warps()) {
    const Real* const softmax = p1.column(x.number * n + i);
    Real* const ds = dz.column(x.number * n + i) + x.shift;
    const Real of_p = p.column(x.number)[i];
    const Real of_t = dt.column(x.number)[i];
    Real mean = 0;
    for (Index j = lane(); j <= i; j += kWarp) {
      ds[j] = of_w[j] * of_p + of_y[j] * of_t + (i == n - 1 ? ds[j] : Real{0});
      mean += softmax[j] * ds[j];
    }
    mean = warp_sum(mean);
    for (Index j = lane(); j <= i; j += kWarp) ds[j] = softmax[j] * (ds[j] - mean);
  }
  __syncthreads();
  // S = Xᵀ B X
  for (Index i = 0; i < n; ++i) {
    Real* const to = dz.column(x.number * n + i);
    x.sum(to + x.shift, i + 1, to);
  }
}

/// One block of threads for each column of positions of each matrix: adds what tokens at that position have.
template <class Real>
__global__ void add_at_positions_kernel(PositionedTokens<Real> tokens,
                                        View<const Real> dz /* (W, T · sequences) */,
                                        Batch<Real> d_b /* (W, W) */) {
  const Index together = tokens.shift.columns / d_b.count;
  const Index matrix = blockIdx.x / tokens.positions;
  const Index position = blockIdx.x % tokens.positions;
  Real* const to = d_b.first.data + matrix * d_b.step + position * d_b.first.stride;
  for (Index k = threadIdx.x; k < dz.rows; k += blockDim.x) {
    Real sum = 0;
    for (Index s = matrix * together; s < (matrix + 1) * together; ++s) {
      const Index t = position - *tokens.shift.column(s);
      if (t >= 0 && t < tokens.tokens) sum += dz.column(s * tokens.tokens + t)[k];
    }
    to[k] += sum;
  }
}

/// Starts a kernel with one block of `kThreads` threads a sequence.
template <class Real>
void sequencewise(const PositionedTokens<Real>& x, auto kernel, const auto&... arguments) {
  compute::cuda::columnwise(x.content.device, compute::cuda::kThreads, x.sequences(), kernel, x,
                            arguments...);
}

}  // namespace

template <class Real>
void Passes<Real>::first_layer(const Tokens& x, Batch<const Real> b, Out z, Out p1, Out u, Out x_last) {
  sequencewise(x, first_layer_kernel<Real>, b, z, p1, u, x_last);
}

template <class Real>
void Passes<Real>::last_token(const Tokens& x, In p1, In a, In g, Out y, Out p, Out w, Out c, Out d) {
  sequencewise(x, last_token_kernel<Real>, p1, a, g, y, p, w, c, d);
}

template <class Real>
void Passes<Real>::last_token_backward(const Tokens& x, In p1, In p, In dc, In dd, Out dt, Out dw, Out da,
                                       Out dg) {
  sequencewise(x, last_token_backward_kernel<Real>, p1, p, dc, dd, dt, dw, da, dg);
}

template <class Real>
void Passes<Real>::first_layer_backward(const Tokens& x, In p1, In p, In y, In dt, In dw, In du, Out dz,
                                        Batch<Real> d_b) {
  sequencewise(x, first_layer_backward_kernel<Real>, p1, p, y, dt, dw, du, dz);
  compute::cuda::columnwise(dz.device, dz.rows, x.positions * d_b.count, add_at_positions_kernel<Real>, x,
                            In(dz), d_b);
}

template void Passes<float>::first_layer(const Tokens&, Batch<const float>, Out, Out, Out, Out);
template void Passes<double>::first_layer(const Tokens&, Batch<const double>, Out, Out, Out, Out);
template void Passes<float>::last_token(const Tokens&, In, In, In, Out, Out, Out, Out, Out);
template void Passes<double>::last_token(const Tokens&, In, In, In, Out, Out, Out, Out, Out);
template void Passes<float>::last_token_backward(const Tokens&, In, In, In, In, Out, Out, Out, Out);
template void Passes<double>::last_token_backward(const Tokens&, In, In, In, In, Out, Out, Out, Out);
template void Passes<float>::first_layer_backward(const Tokens&, In, In, In, In, In, In, Out, Batch<float>);
template void Passes<double>::first_layer_backward(const Tokens&, In, In, In, In, In, In, Out, Batch<double>);

}  // namespace ecphory::attention::cuda
