#pragma once
// Two single-head attention layers of which only the last token is read: the same numbers as the plain Stack
// from a fraction of its operations. Only what is read is computed.
//
// Layer 1 has scores between all tokens, S = Xᵀ B X with B = W_K1ᵀ W_Q1, so one projection Z = B X takes the
// place of two; one-hot positions pick columns of B. With p_1 = softmax(S), u_i = Σ_j p_1(j, i) x_j and
// h_i = x_i + W_V1 u_i, layer 2 asks at the last token n alone:
//
//   h = x_n + W_V1 u_n                      q = W_Q2 h   [+ W_Q1 x_n]
//   r = W_K2ᵀ q,  a = r [+ W_K1ᵀ q],  g = W_V1ᵀ r
//   t_i = q · k_i = a · x_i + Σ_j p_1(j, i) g · x_j
//   p = softmax(t)                          w_j = Σ_i p_1(j, i) p_i
//   c = Σ_i p_i x_i,  d = Σ_j w_j x_j       e = c + W_V1 d = Σ_i p_i h_i
//   out = h + W_V2 e [+ W_V1 c]
//
// The brackets are the query, key or value stream (times its factors). The projections of layer 1's values
// and of layer 2's keys and values are of one vector a sequence, not of every token; nobody needs the
// gradient of the input.

#include "ecphory/attention/shape.hpp"
#include "ecphory/attention/tokens.hpp"
#include "ecphory/compute/array.hpp"
#include "ecphory/compute/batch.hpp"

namespace ecphory::attention {

/// Whether a stack has this form: two layers of one head, without scale, layer norm, output projection and
/// MLP.
bool has_two_layer_form(const StackShape& shape);

/// The two layers of networks of one shape side by side, with memory on a device for the activations of up to
/// a number of sequences. Those of a network stand together, as many for each.
template <class Real>
class TwoLayer {
 public:
  using Weights = compute::Tensors<const Real>;
  using Gradient = compute::Tensors<Real>;

  /// A shape that has not this form is a Bug.
  TwoLayer(const StackShape& shape, Index positions, Index sequences, compute::Device device = compute::kCpu);

  /// B = W_K1ᵀ W_Q1 (W, W) of each network's weights.
  void combine(const Weights& weights, compute::Batch<Real> b) const;

  /// The last tokens (W, sequences). `tokens` must stay until backward().
  compute::View<const Real> forward(const Weights& weights, compute::Batch<const Real> b,
                                    const PositionedTokens<Real>& tokens);

  /// After forward() with the same weights: adds to `gradient` all but what goes through B, and that of B to
  /// `d_b`.
  void backward(const Weights& weights, compute::View<const Real> d_last, const Gradient& gradient,
                compute::Batch<Real> d_b);

  /// Adds the gradient of the weights in B.
  void combine_backward(const Weights& weights, compute::Batch<const Real> d_b,
                        const Gradient& gradient) const;

  /// Attention of layer 1, (T, T · sequences): rows are keys, columns queries.
  compute::View<const Real> first_attention() const;
  /// Attention of layer 2's last token, (T, sequences).
  compute::View<const Real> last_attention() const;

 private:
  /// Layer 2's projections: used = own · raw + stream · that of layer 1; own is 1 for those without a stream.
  /// A learned factor is not in `stream`.
  struct Factors {
    Real query = 1;
    Real key = 1;
    Real value = 1;
    Real stream = 0;
  };

  void add_streamed(const Weights& weights, compute::View<Real> to);
  compute::View<const Real> into_stream(const Weights& weights, compute::View<const Real> d,
                                        const Gradient& gradient);

  StackShape shape_;
  Factors factors_;
  Index positions_;
  PositionedTokens<Real> x_;
  compute::Array<Real> z_;   ///< B X; in backward() the gradient of Z as X sees it, X dS (W, TS)
  compute::Array<Real> p1_;  ///< (T, TS)
  /// Vectors of each sequence (W, S), named as in the equations; x is the last token, `streamed` what layer 1
  /// adds to layer 2, as a vector, before factors.
  compute::Array<Real> x_last_, u_, h_, q_, r_, a_, g_, c_, d_, e_, streamed_, out_;
  compute::Array<Real> dh_, du_, dq_, dr_, da_, dg_, dc_, dd_, de_, d_streamed_;
  /// Numbers of each token (T, S).
  compute::Array<Real> y_, p_, w_, dt_, dw_;
};

extern template class TwoLayer<float>;
extern template class TwoLayer<double>;

}  // namespace ecphory::attention
