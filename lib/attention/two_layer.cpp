#include "ecphory/attention/two_layer.hpp"

#include "ecphory/attention/products.hpp"
#include "ecphory/attention/two_layer_passes.hpp"
#include "ecphory/compute/axpby.hpp"
#include "ecphory/compute/scaled_blocks.hpp"

namespace ecphory::attention {

using compute::Array;
using compute::axpby;
using compute::Batch;
using compute::batched_gemm;
using compute::Transpose;
using compute::View;

namespace {

/// The columns of B that meet the content.
template <class Element>
Batch<Element> of_content(Batch<Element> b, Index positions) {
  return {b.first.middle_columns(positions, b.first.columns - positions), b.count, b.step};
}

}  // namespace

bool has_two_layer_form(const StackShape& shape) {
  return shape.layers == 2 && shape.heads == 1 && !shape.scaled && !shape.layer_norm &&
         !shape.output_projection && shape.mlp == 0;
}

template <class Real>
TwoLayer<Real>::TwoLayer(const StackShape& shape, Index positions, Index sequences, compute::Device device)
    : shape_(shape), positions_(positions) {
  base::ensure(has_two_layer_form(shape), "two layers of one head have this form");
  const Index t = shape.tokens;
  z_ = Array<Real>({shape.width, t * sequences}, device);
  p1_ = Array<Real>({t, t * sequences}, device);
  for (Array<Real>* of_sequence :
       {&x_last_, &u_,  &h_,  &q_,  &r_,  &a_,  &g_,  &c_,  &d_,  &e_,  &streamed_,
        &out_,    &dh_, &du_, &dq_, &dr_, &da_, &dg_, &dc_, &dd_, &de_, &d_streamed_}) {
    *of_sequence = Array<Real>({shape.width, sequences}, device);
  }
  for (Array<Real>* of_tokens : {&y_, &p_, &w_, &dt_, &dw_}) *of_tokens = Array<Real>({t, sequences}, device);

  if (shape.stream == Stream::none) return;
  const MixFactors mix = factors(shape, 1);
  factors_.stream = static_cast<Real>(mix.stream);
  (shape.stream == Stream::query ? factors_.query
   : shape.stream == Stream::key ? factors_.key
                                 : factors_.value) = static_cast<Real>(mix.own);
}

template <class Real>
void TwoLayer<Real>::combine(const Weights& weights, Batch<Real> b) const {
  batched_gemm<Real>(Transpose::yes, Transpose::no, Real{1}, weights["layer1.key"], weights["layer1.query"],
                     Real{0}, b);
}

template <class Real>
void TwoLayer<Real>::combine_backward(const Weights& weights, Batch<const Real> d_b,
                                      const Gradient& gradient) const {
  batched_gemm<Real>(Transpose::no, Transpose::yes, Real{1}, weights["layer1.query"], d_b, Real{1},
                     gradient["layer1.key"]);
  batched_gemm<Real>(Transpose::no, Transpose::no, Real{1}, weights["layer1.key"], d_b, Real{1},
                     gradient["layer1.query"]);
}

template <class Real>
View<const Real> TwoLayer<Real>::first_attention() const {
  return View<const Real>(p1_).middle_columns(0, shape_.tokens * x_.sequences());
}

template <class Real>
View<const Real> TwoLayer<Real>::last_attention() const {
  return View<const Real>(p_).middle_columns(0, x_.sequences());
}

/// What layer 1 adds to layer 2, times its factors.
template <class Real>
void TwoLayer<Real>::add_streamed(const Weights& weights, View<Real> to) {
  const View<const Real> streamed = View<const Real>(streamed_).middle_columns(0, to.columns);
  if (shape_.has_learned_mix()) {
    compute::add_scaled_blocks<Real>(weights.number("layer2.mix"), streamed, to);
  } else {
    axpby<Real>(factors_.stream, streamed, Real{1}, to);
  }
}

/// From the gradient d of the sum to that of what was added, but for the factor `stream`.
template <class Real>
View<const Real> TwoLayer<Real>::into_stream(const Weights& weights, View<const Real> d,
                                             const Gradient& gradient) {
  if (!shape_.has_learned_mix()) return d;
  const View<Real> to = View<Real>(d_streamed_).middle_columns(0, d.columns);
  compute::add_scaled_blocks_backward<Real>(weights.number("layer2.mix"),
                                            View<const Real>(streamed_).middle_columns(0, d.columns), d, to,
                                            gradient.number("layer2.mix"));
  return to;
}

template <class Real>
View<const Real> TwoLayer<Real>::forward(const Weights& weights, Batch<const Real> b,
                                         const PositionedTokens<Real>& tokens) {
  base::ensure(tokens.positions == positions_ && tokens.width() == shape_.width &&
                   tokens.tokens == shape_.tokens && tokens.sequences() <= x_last_.columns() &&
                   tokens.sequences() % weights.models() == 0,
               "the tokens have the shape of the layers");
  x_ = tokens;
  const Index n = tokens.sequences();
  const auto all = [n](Array<Real>& x) { return View<Real>(x).middle_columns(0, n); };
  const auto read = [&](Array<Real>& x) { return View<const Real>(all(x)); };
  const View<Real> z = View<Real>(z_).middle_columns(0, n * shape_.tokens);

  product<Real>(Transpose::no, Real{1}, of_content(b, positions_), tokens.content, Real{0}, z);
  TwoLayerPasses<Real>::first_layer(tokens, b, z, p1_, all(u_), all(x_last_));

  // h = x_n + W_V1 u_n
  axpby<Real>(Real{1}, read(x_last_), Real{0}, all(h_));
  product<Real>(Transpose::no, Real{1}, weights["layer1.value"], read(u_), Real{1}, all(h_));
  product<Real>(Transpose::no, factors_.query, weights["layer2.query"], read(h_), Real{0}, all(q_));
  if (shape_.stream == Stream::query) {
    product<Real>(Transpose::no, Real{1}, weights["layer1.query"], read(x_last_), Real{0}, all(streamed_));
    add_streamed(weights, all(q_));
  }
  product<Real>(Transpose::yes, factors_.key, weights["layer2.key"], read(q_), Real{0}, all(r_));
  axpby<Real>(Real{1}, read(r_), Real{0}, all(a_));
  if (shape_.stream == Stream::key) {
    product<Real>(Transpose::yes, Real{1}, weights["layer1.key"], read(q_), Real{0}, all(streamed_));
    add_streamed(weights, all(a_));
  }
  product<Real>(Transpose::yes, Real{1}, weights["layer1.value"], read(r_), Real{0}, all(g_));

  TwoLayerPasses<Real>::last_token(tokens, first_attention(), read(a_), read(g_), all(y_), all(p_), all(w_),
                                   all(c_), all(d_));

  // out = h + W_V2 e, e = c + W_V1 d
  axpby<Real>(Real{1}, read(c_), Real{0}, all(e_));
  product<Real>(Transpose::no, Real{1}, weights["layer1.value"], read(d_), Real{1}, all(e_));
  axpby<Real>(Real{1}, read(h_), Real{0}, all(out_));
  product<Real>(Transpose::no, factors_.value, weights["layer2.value"], read(e_), Real{1}, all(out_));
  if (shape_.stream == Stream::value) {
    product<Real>(Transpose::no, Real{1}, weights["layer1.value"], read(c_), Real{0}, all(streamed_));
    add_streamed(weights, all(out_));
  }
  return read(out_);
}

template <class Real>
void TwoLayer<Real>::backward(const Weights& weights, View<const Real> d_last, const Gradient& gradient,
                              Batch<Real> d_b) {
  const Index n = x_.sequences();
  const auto all = [n](Array<Real>& x) { return View<Real>(x).middle_columns(0, n); };
  const auto read = [&](Array<Real>& x) { return View<const Real>(all(x)); };
  const Factors& f = factors_;
  const Real stream = f.stream;

  // out = h + own W_V2 e + stream W_V1 c, e = c + W_V1 d
  axpby<Real>(Real{1}, d_last, Real{0}, all(dh_));
  product<Real>(Transpose::yes, f.value, weights["layer2.value"], d_last, Real{0}, all(de_));
  outer<Real>(f.value, d_last, read(e_), gradient["layer2.value"]);
  axpby<Real>(Real{1}, read(de_), Real{0}, all(dc_));
  if (shape_.stream == Stream::value) {
    const View<const Real> d = into_stream(weights, d_last, gradient);
    product<Real>(Transpose::yes, stream, weights["layer1.value"], d, Real{1}, all(dc_));
    outer<Real>(stream, d, read(c_), gradient["layer1.value"]);
  }
  product<Real>(Transpose::yes, Real{1}, weights["layer1.value"], read(de_), Real{0}, all(dd_));
  outer<Real>(Real{1}, read(de_), read(d_), gradient["layer1.value"]);

  TwoLayerPasses<Real>::last_token_backward(x_, first_attention(), read(p_), read(dc_), read(dd_), all(dt_),
                                            all(dw_), all(da_), all(dg_));

  // g = W_V1ᵀ r
  product<Real>(Transpose::no, Real{1}, weights["layer1.value"], read(dg_), Real{0}, all(dr_));
  outer<Real>(Real{1}, read(r_), read(dg_), gradient["layer1.value"]);
  // a = r + stream W_K1ᵀ q
  axpby<Real>(Real{1}, read(da_), Real{1}, all(dr_));
  // r = own W_K2ᵀ q
  product<Real>(Transpose::no, f.key, weights["layer2.key"], read(dr_), Real{0}, all(dq_));
  outer<Real>(f.key, read(q_), read(dr_), gradient["layer2.key"]);
  if (shape_.stream == Stream::key) {
    const View<const Real> d = into_stream(weights, read(da_), gradient);
    product<Real>(Transpose::no, stream, weights["layer1.key"], d, Real{1}, all(dq_));
    outer<Real>(stream, read(q_), d, gradient["layer1.key"]);
  }
  // q = own W_Q2 h + stream W_Q1 x_n
  product<Real>(Transpose::yes, f.query, weights["layer2.query"], read(dq_), Real{1}, all(dh_));
  outer<Real>(f.query, read(dq_), read(h_), gradient["layer2.query"]);
  if (shape_.stream == Stream::query) {
    outer<Real>(stream, into_stream(weights, read(dq_), gradient), read(x_last_), gradient["layer1.query"]);
  }
  // h = x_n + W_V1 u_n
  product<Real>(Transpose::yes, Real{1}, weights["layer1.value"], read(dh_), Real{0}, all(du_));
  outer<Real>(Real{1}, read(dh_), read(u_), gradient["layer1.value"]);

  const View<Real> dz = View<Real>(z_).middle_columns(0, n * shape_.tokens);
  TwoLayerPasses<Real>::first_layer_backward(x_, first_attention(), read(p_), read(y_), read(dt_), read(dw_),
                                             read(du_), dz, d_b);
  outer<Real>(Real{1}, dz, x_.content, of_content(d_b, positions_));
}

template class TwoLayer<float>;
template class TwoLayer<double>;

}  // namespace ecphory::attention
