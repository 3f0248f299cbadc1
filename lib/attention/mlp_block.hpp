#pragma once
// The MLP of one layer, on each token alone:
//
//   n = x, or LN(x)
//   a = W_1 n + b_1,  x ← x + W_2 f(a) + b_2      f: relu or gelu

#include "ecphory/attention/pre_norm.hpp"

namespace ecphory::attention {

template <class Real>
class MlpBlock {
 public:
  /// For up to that many columns.
  MlpBlock(const StackShape& shape, Index layer, Index columns, compute::Device device);

  /// x (W, TS) becomes the block's output.
  void forward(const compute::Tensors<const Real>& weights, compute::View<Real> x);

  /// d, the gradient of the output, becomes that of the input; adds that of the weights to the block
  /// `gradient`. What is in d_hidden (H, TS) and memory (W, TS) does not matter.
  void backward(const compute::Tensors<const Real>& weights, compute::View<Real> d,
                const compute::Tensors<Real>& gradient, compute::View<Real> d_hidden,
                compute::View<Real> memory) const;

 private:
  Activation activation_;
  std::string name_;  ///< "layer1.mlp"
  PreNorm<Real> input_;
  compute::Array<Real> hidden_;  ///< a (H, TS)
  compute::Array<Real> active_;  ///< f(a) (H, TS)
};

extern template class MlpBlock<float>;
extern template class MlpBlock<double>;

}  // namespace ecphory::attention
