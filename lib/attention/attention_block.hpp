#pragma once
// Causal attention of one layer, x ← x + Attn(x), in two halves, between which the stack mixes its streams.
//
//   n = x, or LN(x)
//   q̂ = W_Q n, k̂ = W_K n, v̂ = W_V n               raw projections
//   q, k, v = q̂, k̂, v̂                             but for the streamed one (residual_stream.hpp)
//   p(:, i) = softmax over j ≤ i of β k_j · q_i    per head; β = 1, or 1/√(rows of a head)
//   o_i = Σ_j p(j, i) v_j                          heads one below the other
//   x ← x + o, or x + W_O o

#include <array>
#include <vector>

#include "ecphory/attention/pre_norm.hpp"

namespace ecphory::attention {

enum Projection : std::size_t { kQuery, kKey, kValue };

template <class Real>
class AttentionBlock {
 public:
  /// What backward passes need while they run; the blocks of a stack share it.
  struct Scratch {
    Scratch(const StackShape& shape, Index columns, compute::Device device);

    std::array<compute::Array<Real>, 3> d_projection;  ///< gradients of q, k, v (W, TS)
    compute::Array<Real> d_scores;                     ///< (T, TS)
    compute::Array<Real> d_heads;                      ///< gradient of o (W, TS), with an output projection
  };

  /// For up to that many columns.
  AttentionBlock(const StackShape& shape, Index layer, Index columns, compute::Device device);

  /// q̂, k̂ and v̂ of x (W, TS), which attend() uses.
  void project(const compute::Tensors<const Real>& weights, compute::View<const Real> x);
  compute::View<const Real> raw(Projection kind) const {
    return compute::View<const Real>(raw_[kind]).middle_columns(0, columns_);
  }

  /// attend() and its backward pass use this in the place of a raw projection.
  void use(Projection kind, compute::View<const Real> used) { used_[kind] = used; }
  compute::View<const Real> used(Projection kind) const { return used_[kind]; }

  /// x ← x + o or x + W_O o.
  void attend(const compute::Tensors<const Real>& weights, compute::View<Real> x);

  /// From the gradient d of the block's output to those of q, k and v in `scratch`.
  void attend_backward(const compute::Tensors<const Real>& weights, compute::View<const Real> d,
                       const compute::Tensors<Real>& gradient, Scratch& scratch) const;

  /// With the gradients of q̂, k̂ and v̂ in `scratch`: d becomes the gradient of the block's input. `memory` has
  /// its shape.
  void project_backward(const compute::Tensors<const Real>& weights, compute::View<Real> d,
                        const compute::Tensors<Real>& gradient, const Scratch& scratch,
                        compute::View<Real> memory) const;

  /// p of a head (T, TS): rows are keys, columns queries.
  compute::View<const Real> attention(Index head) const {
    return compute::View<const Real>(attention_[static_cast<std::size_t>(head)]).middle_columns(0, columns_);
  }

 private:
  template <class Element>
  compute::View<Element> head(compute::View<Element> x, Index h) const;
  Real beta() const;

  StackShape shape_;
  std::array<std::string, 3> names_;  ///< of W_Q, W_K, W_V
  std::string output_name_;           ///< of W_O
  Index columns_ = 0;                 ///< of what project() was last given
  PreNorm<Real> input_;
  std::array<compute::Array<Real>, 3> raw_;  ///< q̂, k̂, v̂ (W, TS)
  std::array<compute::View<const Real>, 3> used_;
  std::vector<compute::Array<Real>> attention_;  ///< p of each head (T, TS)
  compute::Array<Real> heads_;                   ///< o (W, TS), with an output projection
};

extern template class AttentionBlock<float>;
extern template class AttentionBlock<double>;

}  // namespace ecphory::attention
