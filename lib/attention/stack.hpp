#pragma once
// A stack of causal attention layers, each x ← x + Attn(x), in its plain form: every projection of every
// token. It works for any depth, heads and streams, and is what the shortcut forms are held to.
//
//   q̂ = W_Q x, k̂ = W_K x, v̂ = W_V x          raw projections of a layer
//   q = own · q̂ + stream · source             for the streamed one of the three (shape.hpp)
//   p(:, i) = softmax over j ≤ i of k_j · q_i  per head
//   o_i = Σ_j p(j, i) v_j ;  x ← x + o

#include <vector>

#include "ecphory/attention/shape.hpp"
#include "ecphory/compute/array.hpp"

namespace ecphory::attention {

/// The stack with memory for the activations of a number of sequences. Columns are tokens, sequence after
/// sequence: (W, T · sequences).
template <class Real>
class Stack {
 public:
  Stack(const StackShape& shape, Index sequences);

  /// The stack's output (W, T · sequences), which stays valid until the next call. `weights` is a block of
  /// that layout, with the tensors of add_weights.
  compute::View<const Real> forward(const compute::TensorLayout& layout, const Real* weights,
                                    compute::View<const Real> x);

  /// After forward() with the same weights: adds the gradient of the weights to the block `gradient`, and
  /// leaves that of the input in `d`, which holds that of the output when called.
  void backward(const compute::TensorLayout& layout, const Real* weights, compute::View<Real> d,
                Real* gradient);

  /// Attention of a head in a layer: (T, T · sequences), rows are keys, columns queries.
  compute::View<const Real> attention(Index layer, Index head) const;

 private:
  enum Kind { kQuery, kKey, kValue };

  struct Layer {
    compute::Array<Real> x;                 ///< input (W, TS)
    std::vector<compute::Array<Real>> raw;  ///< q̂, k̂, v̂ (W, TS)
    compute::Array<Real> streamed;          ///< the streamed one after the mix; empty where it is the raw one
    std::vector<compute::Array<Real>> attention;  ///< per head (T, TS)
  };

  bool mixes(Index layer, Kind kind) const;
  compute::View<const Real> used(Index layer, Kind kind) const;
  compute::View<const Real> source(Index layer);  ///< of a layer that mixes
  void mix(const compute::TensorLayout& layout, const Real* weights, Index layer);
  void mix_backward(const compute::TensorLayout& layout, const Real* weights, Index layer,
                    compute::View<Real> d, Real* gradient);

  StackShape shape_;
  Index columns_;
  std::vector<Layer> layers_;
  compute::Array<Real> output_;
  compute::Array<Real> source_;               ///< sum of the layers below
  std::vector<compute::Array<Real>> d_used_;  ///< gradients of q, k, v (W, TS)
  compute::Array<Real> d_scores_;             ///< (T, TS)
  compute::Array<Real> carry_;                ///< gradient of the raw projections below, by way of streams
};

extern template class Stack<float>;
extern template class Stack<double>;

}  // namespace ecphory::attention
