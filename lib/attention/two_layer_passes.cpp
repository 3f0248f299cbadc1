#include "ecphory/attention/two_layer_passes.hpp"

#include <algorithm>

#include "ecphory/attention/cuda_passes.hpp"
#include "ecphory/compute/causal_softmax.hpp"
#include "ecphory/compute/softmax.hpp"

namespace ecphory::attention {

using compute::Batch;
using compute::View;

namespace {

template <class Real>
using Column = Eigen::Map<Eigen::VectorX<Real>>;
template <class Real>
using ConstColumn = Eigen::Map<const Eigen::VectorX<Real>>;

template <class Real>
Real dot(const Real* a, const Real* b, Index n) {
  Real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/// The tokens of one sequence, X (W, T).
template <class Real>
class Sequence {
 public:
  Sequence(const PositionedTokens<Real>& x, Index s)
      : positions_(x.positions),
        shift_(*x.shift.column(s)),
        content_(x.content.middle_columns(s * x.tokens, x.tokens)) {}

  Index shift() const { return shift_; }

  /// out ← Xᵀ v, of the first n tokens.
  void times(const Real* v, Index n, Real* out) const {
    for (Index t = 0; t < n; ++t)
      out[t] = v[shift_ + t] + dot(content_.column(t), v + positions_, content_.rows);
  }

  /// out ← X w, of the first n tokens.
  void sum(const Real* w, Index n, Real* out) const {
    std::fill(out, out + positions_, Real{0});
    std::copy(w, w + n, out + shift_);
    Real* const content = out + positions_;
    Column<Real>(content, content_.rows).noalias() = content_.matrix().leftCols(n) * ConstColumn<Real>(w, n);
  }

  /// out ← token t.
  void token(Index t, Real* out) const {
    std::fill(out, out + positions_, Real{0});
    out[shift_ + t] = 1;
    std::copy(content_.column(t), content_.column(t) + content_.rows, out + positions_);
  }

 private:
  Index positions_;
  Index shift_;
  View<const Real> content_;
};

}  // namespace

template <class Real>
void TwoLayerPasses<Real>::first_layer(const Tokens& x, Batch<const Real> b, Out z, Out p1, Out u,
                                       Out x_last) {
  if (z.device != compute::kCpu) return cuda::Passes<Real>::first_layer(x, b, z, p1, u, x_last);
  const Index n = x.tokens;
  const Index together = x.sequences() / b.count;
  for (Index s = 0; s < x.sequences(); ++s) {
    const Sequence<Real> tokens(x, s);
    const View<const Real> mine = b[s / together];
    for (Index i = 0; i < n; ++i) {
      Real* const zi = z.column(s * n + i);
      const Real* const bi = mine.column(tokens.shift() + i);
      for (Index k = 0; k < z.rows; ++k) zi[k] += bi[k];
      tokens.times(zi, i + 1, p1.column(s * n + i));
    }
    const View<Real> p = p1.middle_columns(s * n, n);
    compute::causal_softmax<Real>(Real{1}, p, p);
    tokens.sum(p.column(n - 1), n, u.column(s));
    tokens.token(n - 1, x_last.column(s));
  }
}

template <class Real>
void TwoLayerPasses<Real>::last_token(const Tokens& x, In p1, In a, In g, Out y, Out p, Out w, Out c, Out d) {
  if (y.device != compute::kCpu) return cuda::Passes<Real>::last_token(x, p1, a, g, y, p, w, c, d);
  const Index n = x.tokens;
  for (Index s = 0; s < x.sequences(); ++s) {
    const Sequence<Real> tokens(x, s);
    const auto first = p1.middle_columns(s * n, n).matrix();
    tokens.times(g.column(s), n, y.column(s));
    Real* const t = p.column(s);
    tokens.times(a.column(s), n, t);
    Column<Real>(t, n).noalias() += first.transpose() * ConstColumn<Real>(y.column(s), n);
    const View<Real> softmax(t, n, 1, n);
    compute::softmax<Real>(Real{1}, softmax, softmax);
    Column<Real>(w.column(s), n).noalias() = first * ConstColumn<Real>(t, n);
    tokens.sum(t, n, c.column(s));
    tokens.sum(w.column(s), n, d.column(s));
  }
}

template <class Real>
void TwoLayerPasses<Real>::last_token_backward(const Tokens& x, In p1, In p, In dc, In dd, Out dt, Out dw,
                                               Out da, Out dg) {
  if (dt.device != compute::kCpu)
    return cuda::Passes<Real>::last_token_backward(x, p1, p, dc, dd, dt, dw, da, dg);
  const Index n = x.tokens;
  Eigen::VectorX<Real> dy(n);
  for (Index s = 0; s < x.sequences(); ++s) {
    const Sequence<Real> tokens(x, s);
    const auto first = p1.middle_columns(s * n, n).matrix();
    const ConstColumn<Real> softmax(p.column(s), n);
    Column<Real> of_w(dw.column(s), n);
    Column<Real> of_t(dt.column(s), n);
    // c = X p, d = X w, w = p_1 p
    tokens.times(dd.column(s), n, of_w.data());
    tokens.times(dc.column(s), n, of_t.data());
    of_t.noalias() += first.transpose() * of_w;
    // p = softmax(t)
    of_t = softmax.cwiseProduct((of_t.array() - softmax.dot(of_t)).matrix());
    // t = Xᵀ a + p_1ᵀ y, y = Xᵀ g
    tokens.sum(of_t.data(), n, da.column(s));
    dy.noalias() = first * of_t;
    tokens.sum(dy.data(), n, dg.column(s));
  }
}

template <class Real>
void TwoLayerPasses<Real>::first_layer_backward(const Tokens& x, In p1, In p, In y, In dt, In dw, In du,
                                                Out dz, Batch<Real> d_b) {
  if (dz.device != compute::kCpu)
    return cuda::Passes<Real>::first_layer_backward(x, p1, p, y, dt, dw, du, dz, d_b);
  const Index n = x.tokens;
  const Index together = x.sequences() / d_b.count;
  Eigen::MatrixX<Real> ds(n, n);
  Eigen::VectorX<Real> of_last(n);
  for (Index s = 0; s < x.sequences(); ++s) {
    const Sequence<Real> tokens(x, s);
    const auto vector = [&](In numbers) { return ConstColumn<Real>(numbers.column(s), n); };
    // w = p_1 p, t = … + p_1ᵀ y, u = X p_1(:, T−1)
    ds.noalias() = vector(dw) * vector(p).transpose();
    ds.noalias() += vector(y) * vector(dt).transpose();
    tokens.times(du.column(s), n, of_last.data());
    ds.col(n - 1) += of_last;
    const View<Real> d(ds.data(), n, n, n);
    compute::causal_softmax_backward<Real>(Real{1}, p1.middle_columns(s * n, n), d, d);
    // S = Xᵀ B X
    const View<Real> mine = d_b[s / together];
    for (Index i = 0; i < n; ++i) tokens.sum(d.column(i), i + 1, dz.column(s * n + i));
    for (Index i = 0; i < n; ++i) {
      Real* const to = mine.column(tokens.shift() + i);
      const Real* const from = dz.column(s * n + i);
      for (Index k = 0; k < dz.rows; ++k) to[k] += from[k];
    }
  }
}

template struct TwoLayerPasses<float>;
template struct TwoLayerPasses<double>;

}  // namespace ecphory::attention
