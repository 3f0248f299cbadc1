#pragma once
// A stack of causal attention layers in its plain form: every projection of every token. It works for any
// depth, heads, streams and blocks, and is what the shortcut forms are held to.
//
//   x ← x + Attn(x)     attention_block.hpp, with streams between layers (residual_stream.hpp)
//   x ← x + MLP(x)      mlp_block.hpp, where the shape has one

#include <optional>
#include <vector>

#include "ecphory/attention/attention_block.hpp"
#include "ecphory/attention/mlp_block.hpp"
#include "ecphory/attention/residual_stream.hpp"
#include "ecphory/attention/shape.hpp"
#include "ecphory/compute/array.hpp"

namespace ecphory::attention {

/// The stacks of networks of one shape side by side, with memory on a device for the activations of up to a
/// number of sequences. Columns are tokens, sequence after sequence: (W, T · sequences). Those of a network
/// stand together, as many for each.
template <class Real>
class Stack {
 public:
  Stack(const StackShape& shape, Index sequences, compute::Device device = compute::kCpu);

  /// The stack's output (W, T · sequences), which stays valid until the next call. `weights` have the
  /// tensors of add_weights.
  compute::View<const Real> forward(const compute::Tensors<const Real>& weights, compute::View<const Real> x);

  /// After forward() with the same weights: adds the gradient of the weights to `gradient`, and
  /// leaves that of the input in `d`, which holds that of the output when called.
  void backward(const compute::Tensors<const Real>& weights, compute::View<Real> d,
                const compute::Tensors<Real>& gradient);

  /// Attention of a head in a layer: (T, T · sequences), rows are keys, columns queries.
  compute::View<const Real> attention(Index layer, Index head) const;

  /// Queries, keys or values of a layer, (W, T · sequences): raw, and as used, with what its stream adds.
  compute::View<const Real> raw(Index layer, Projection kind) const;
  compute::View<const Real> used(Index layer, Projection kind) const;

 private:
  StackShape shape_;
  Index columns_ = 0;  ///< of what forward() was last given
  std::vector<AttentionBlock<Real>> attention_;
  std::vector<MlpBlock<Real>> mlp_;  ///< none, or one a layer
  std::optional<ResidualStream<Real>> stream_;
  compute::Array<Real> output_;
  typename AttentionBlock<Real>::Scratch scratch_;
  compute::Array<Real> d_hidden_;  ///< of an MLP (H, TS)
  compute::Array<Real> d_read_;    ///< of a layer norm's result (W, TS)
};

extern template class Stack<float>;
extern template class Stack<double>;

}  // namespace ecphory::attention
