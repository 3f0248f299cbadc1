#include "ecphory/attention/two_layer.hpp"

#include <algorithm>

#include "ecphory/compute/causal_softmax.hpp"
#include "ecphory/compute/gather.hpp"
#include "ecphory/compute/gemm.hpp"
#include "ecphory/compute/softmax.hpp"

namespace ecphory::attention {

using compute::Array;
using compute::gemm;
using compute::TensorLayout;
using compute::Transpose;
using compute::View;

namespace {

template <class Real>
using ColumnMap = Eigen::Map<Eigen::VectorX<std::remove_const_t<Real>>>;
template <class Real>
using ConstColumnMap = Eigen::Map<const Eigen::VectorX<Real>>;

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
        shift_(x.shift[static_cast<std::size_t>(s)]),
        content_(x.content.middle_columns(s * x.tokens, x.tokens)) {}

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
    ColumnMap<Real>(content, content_.rows).noalias() =
        content_.matrix().leftCols(n) * ConstColumnMap<Real>(w, n);
  }

 private:
  Index positions_;
  Index shift_;
  View<const Real> content_;
};

/// y ← op(w) x, or y += for add.
template <class Real>
void product(Transpose transpose, Real factor, View<const Real> w, View<const Real> x, View<Real> y,
             bool add = false) {
  gemm<Real>(transpose, Transpose::no, factor, w, x, add ? Real{1} : Real{0}, y);
}

/// dw += factor · dy xᵀ.
template <class Real>
void outer(Real factor, View<const Real> dy, View<const Real> x, View<Real> dw) {
  gemm<Real>(Transpose::no, Transpose::yes, factor, dy, x, Real{1}, dw);
}

}  // namespace

bool has_two_layer_form(const StackShape& shape) {
  return shape.layers == 2 && shape.heads == 1 && !shape.scaled && !shape.layer_norm &&
         !shape.output_projection && shape.mlp == 0;
}

template <class Real>
TwoLayer<Real>::TwoLayer(const StackShape& shape, Index positions, Index sequences)
    : shape_(shape), positions_(positions), sequences_(0) {
  base::ensure(has_two_layer_form(shape), "two layers of one head have this form");
  const Index t = shape.tokens;
  z_ = Array<Real>({shape.width, t * sequences});
  p1_ = Array<Real>({t, t * sequences});
  for (Array<Real>* of_sequence : {&x_last_, &u_,  &h_,  &q_,  &r_,  &a_,  &g_,  &c_,  &d_,  &e_, &streamed_,
                                   &out_,    &dh_, &du_, &dq_, &dr_, &da_, &dg_, &dc_, &dd_, &de_}) {
    *of_sequence = Array<Real>({shape.width, sequences});
  }
  for (Array<Real>* of_tokens : {&y_, &p_, &w_, &dt_, &dw_}) *of_tokens = Array<Real>({t, sequences});
}

template <class Real>
typename TwoLayer<Real>::Factors TwoLayer<Real>::factors_of(const TensorLayout& layout,
                                                            const Real* weights) const {
  Factors f;
  if (shape_.stream == Stream::none) return f;
  const MixFactors mix = factors(shape_, 1);
  f.stream = static_cast<Real>(mix.stream);
  if (shape_.has_learned_mix()) f.stream *= *view_of(weights, layout.at("layer2.mix")).data;
  const auto own = static_cast<Real>(mix.own);
  (shape_.stream == Stream::query ? f.query : shape_.stream == Stream::key ? f.key : f.value) = own;
  return f;
}

template <class Real>
void TwoLayer<Real>::combine(const TensorLayout& layout, const Real* weights, View<Real> b) const {
  gemm<Real>(Transpose::yes, Transpose::no, Real{1}, view_of(weights, layout.at("layer1.key")),
             view_of(weights, layout.at("layer1.query")), Real{0}, b);
}

template <class Real>
void TwoLayer<Real>::combine_backward(const TensorLayout& layout, const Real* weights, View<const Real> d_b,
                                      Real* gradient) const {
  const compute::Tensor& key = layout.at("layer1.key");
  const compute::Tensor& query = layout.at("layer1.query");
  gemm<Real>(Transpose::no, Transpose::yes, Real{1}, view_of(weights, query), d_b, Real{1},
             view_of(gradient, key));
  gemm<Real>(Transpose::no, Transpose::no, Real{1}, view_of(weights, key), d_b, Real{1},
             view_of(gradient, query));
}

template <class Real>
View<const Real> TwoLayer<Real>::first_attention() const {
  return View<const Real>(p1_).middle_columns(0, shape_.tokens * sequences_);
}

template <class Real>
View<const Real> TwoLayer<Real>::last_attention() const {
  return View<const Real>(p_).middle_columns(0, sequences_);
}

template <class Real>
View<const Real> TwoLayer<Real>::forward(const TensorLayout& layout, const Real* weights, View<const Real> b,
                                         const PositionedTokens<Real>& tokens) {
  base::ensure(tokens.positions == positions_ && tokens.width() == shape_.width &&
                   tokens.tokens == shape_.tokens && tokens.sequences() <= x_last_.columns(),
               "the tokens have the shape of the layers");
  x_ = tokens;
  sequences_ = tokens.sequences();
  const Index n = shape_.tokens;
  const Index last = n - 1;
  const Factors f = factors_of(layout, weights);
  const auto weight = [&](const char* name) { return view_of(weights, layout.at(name)); };
  const auto all = [&](Array<Real>& x) { return View<Real>(x).middle_columns(0, sequences_); };
  const auto read = [&](Array<Real>& x) { return View<const Real>(all(x)); };

  const View<Real> z = View<Real>(z_).middle_columns(0, n * sequences_);
  product<Real>(Transpose::no, Real{1}, b.middle_columns(positions_, tokens.content.rows), tokens.content, z);
  for (Index s = 0; s < sequences_; ++s) {
    const Sequence<Real> x(tokens, s);
    const Index shift = tokens.shift[static_cast<std::size_t>(s)];
    for (Index i = 0; i < n; ++i) {
      Real* const zi = z.column(s * n + i);
      const Real* const bi = b.column(shift + i);
      for (Index k = 0; k < z.rows; ++k) zi[k] += bi[k];
      x.times(zi, i + 1, p1_.data() + (s * n + i) * n);
    }
    const View<Real> p1 = View<Real>(p1_).middle_columns(s * n, n);
    compute::causal_softmax<Real>(Real{1}, p1, p1);
    x.sum(p1.column(last), n, all(u_).column(s));
    Real* const xl = all(x_last_).column(s);
    std::fill(xl, xl + positions_, Real{0});
    xl[shift + last] = 1;
    const Real* const content = tokens.content.column(s * n + last);
    std::copy(content, content + tokens.content.rows, xl + positions_);
  }

  // h = x_n + W_V1 u_n
  all(h_).matrix() = read(x_last_).matrix();
  product<Real>(Transpose::no, Real{1}, weight("layer1.value"), read(u_), all(h_), true);
  product<Real>(Transpose::no, f.query, weight("layer2.query"), read(h_), all(q_));
  if (shape_.stream == Stream::query) {
    product<Real>(Transpose::no, Real{1}, weight("layer1.query"), read(x_last_), all(streamed_));
    all(q_).matrix() += f.stream * read(streamed_).matrix();
  }
  product<Real>(Transpose::yes, f.key, weight("layer2.key"), read(q_), all(r_));
  all(a_).matrix() = read(r_).matrix();
  if (shape_.stream == Stream::key) {
    product<Real>(Transpose::yes, Real{1}, weight("layer1.key"), read(q_), all(streamed_));
    all(a_).matrix() += f.stream * read(streamed_).matrix();
  }
  product<Real>(Transpose::yes, Real{1}, weight("layer1.value"), read(r_), all(g_));

  for (Index s = 0; s < sequences_; ++s) {
    const Sequence<Real> x(tokens, s);
    const auto p1 = View<const Real>(p1_).middle_columns(s * n, n).matrix();
    x.times(all(g_).column(s), n, all(y_).column(s));
    Real* const t = all(p_).column(s);
    x.times(all(a_).column(s), n, t);
    ColumnMap<Real>(t, n).noalias() += p1.transpose() * ConstColumnMap<Real>(all(y_).column(s), n);
    const View<Real> p(t, n, 1, n);
    compute::softmax<Real>(Real{1}, p, p);
    ColumnMap<Real>(all(w_).column(s), n).noalias() = p1 * ConstColumnMap<Real>(t, n);
    x.sum(t, n, all(c_).column(s));
    x.sum(all(w_).column(s), n, all(d_).column(s));
  }

  // out = h + W_V2 e, e = c + W_V1 d
  all(e_).matrix() = read(c_).matrix();
  product<Real>(Transpose::no, Real{1}, weight("layer1.value"), read(d_), all(e_), true);
  all(out_).matrix() = read(h_).matrix();
  product<Real>(Transpose::no, f.value, weight("layer2.value"), read(e_), all(out_), true);
  if (shape_.stream == Stream::value) {
    product<Real>(Transpose::no, Real{1}, weight("layer1.value"), read(c_), all(streamed_));
    all(out_).matrix() += f.stream * read(streamed_).matrix();
  }
  return read(out_);
}

template <class Real>
void TwoLayer<Real>::backward(const TensorLayout& layout, const Real* weights, View<const Real> d_last,
                              Real* gradient, View<Real> d_b) {
  const Index n = shape_.tokens;
  const Index last = n - 1;
  const Factors f = factors_of(layout, weights);
  const auto weight = [&](const char* name) { return view_of(weights, layout.at(name)); };
  const auto d_weight = [&](const char* name) { return view_of(gradient, layout.at(name)); };
  const auto all = [&](Array<Real>& x) { return View<Real>(x).middle_columns(0, sequences_); };
  const auto read = [&](Array<Real>& x) { return View<const Real>(all(x)); };
  const auto learn_mix = [&](View<const Real> d_used) {
    if (shape_.has_learned_mix())
      *d_weight("layer2.mix").data += d_used.matrix().cwiseProduct(read(streamed_).matrix()).sum();
  };

  // out = h + own W_V2 e + stream W_V1 c, e = c + W_V1 d
  all(dh_).matrix() = d_last.matrix();
  product<Real>(Transpose::yes, f.value, weight("layer2.value"), d_last, all(de_));
  outer<Real>(f.value, d_last, read(e_), d_weight("layer2.value"));
  all(dc_).matrix() = read(de_).matrix();
  if (shape_.stream == Stream::value) {
    product<Real>(Transpose::yes, f.stream, weight("layer1.value"), d_last, all(dc_), true);
    outer<Real>(f.stream, d_last, read(c_), d_weight("layer1.value"));
    learn_mix(d_last);
  }
  product<Real>(Transpose::yes, Real{1}, weight("layer1.value"), read(de_), all(dd_));
  outer<Real>(Real{1}, read(de_), read(d_), d_weight("layer1.value"));

  for (Index s = 0; s < sequences_; ++s) {
    const Sequence<Real> x(x_, s);
    const auto p1 = View<const Real>(p1_).middle_columns(s * n, n).matrix();
    const ConstColumnMap<Real> p(all(p_).column(s), n);
    // c = X p, d = X w, w = p_1 p
    ColumnMap<Real> dw(all(dw_).column(s), n);
    ColumnMap<Real> dt(all(dt_).column(s), n);
    x.times(all(dd_).column(s), n, dw.data());
    x.times(all(dc_).column(s), n, dt.data());
    dt.noalias() += p1.transpose() * dw;
    // p = softmax(t)
    dt = p.cwiseProduct((dt.array() - p.dot(dt)).matrix());
    // t = Xᵀ a + p_1ᵀ y, y = Xᵀ g
    x.sum(dt.data(), n, all(da_).column(s));
    Eigen::VectorX<Real> dy = p1 * dt;
    x.sum(dy.data(), n, all(dg_).column(s));
  }

  // g = W_V1ᵀ r
  product<Real>(Transpose::no, Real{1}, weight("layer1.value"), read(dg_), all(dr_));
  outer<Real>(Real{1}, read(r_), read(dg_), d_weight("layer1.value"));
  // a = r + stream W_K1ᵀ q
  all(dr_).matrix() += read(da_).matrix();
  // r = own W_K2ᵀ q
  product<Real>(Transpose::no, f.key, weight("layer2.key"), read(dr_), all(dq_));
  outer<Real>(f.key, read(q_), read(dr_), d_weight("layer2.key"));
  if (shape_.stream == Stream::key) {
    product<Real>(Transpose::no, f.stream, weight("layer1.key"), read(da_), all(dq_), true);
    outer<Real>(f.stream, read(q_), read(da_), d_weight("layer1.key"));
    learn_mix(read(da_));
  }
  // q = own W_Q2 h + stream W_Q1 x_n
  product<Real>(Transpose::yes, f.query, weight("layer2.query"), read(dq_), all(dh_), true);
  outer<Real>(f.query, read(dq_), read(h_), d_weight("layer2.query"));
  if (shape_.stream == Stream::query) {
    outer<Real>(f.stream, read(dq_), read(x_last_), d_weight("layer1.query"));
    learn_mix(read(dq_));
  }
  // h = x_n + W_V1 u_n
  product<Real>(Transpose::yes, Real{1}, weight("layer1.value"), read(dh_), all(du_));
  outer<Real>(Real{1}, read(dh_), read(u_), d_weight("layer1.value"));

  const View<Real> z = View<Real>(z_).middle_columns(0, n * sequences_);
  Eigen::MatrixX<Real> ds(n, n);
  for (Index s = 0; s < sequences_; ++s) {
    const Sequence<Real> x(x_, s);
    const View<const Real> p1 = View<const Real>(p1_).middle_columns(s * n, n);
    const ConstColumnMap<Real> p(all(p_).column(s), n);
    const ConstColumnMap<Real> dw(all(dw_).column(s), n);
    const ConstColumnMap<Real> dt(all(dt_).column(s), n);
    const ConstColumnMap<Real> y(all(y_).column(s), n);
    // w = p_1 p, t = … + p_1ᵀ y, u_n = X p_1(:, n)
    ds.noalias() = dw * p.transpose();
    ds.noalias() += y * dt.transpose();
    Eigen::VectorX<Real> of_last(n);
    x.times(all(du_).column(s), n, of_last.data());
    ds.col(last) += of_last;
    const View<Real> d(ds.data(), n, n, n);
    compute::causal_softmax_backward<Real>(Real{1}, p1, d, d);
    // S = Xᵀ B X
    for (Index i = 0; i < n; ++i) x.sum(d.column(i), i + 1, z.column(s * n + i));
    for (Index i = 0; i < n; ++i) {
      Real* const to = d_b.column(x_.shift[static_cast<std::size_t>(s)] + i);
      const Real* const from = z.column(s * n + i);
      for (Index k = 0; k < z.rows; ++k) to[k] += from[k];
    }
  }
  outer<Real>(Real{1}, z, x_.content, d_b.middle_columns(positions_, x_.content.rows));
}

template class TwoLayer<float>;
template class TwoLayer<double>;

}  // namespace ecphory::attention
