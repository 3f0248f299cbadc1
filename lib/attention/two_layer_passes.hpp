#pragma once
// What TwoLayer does sequence by sequence, between its products with weights; two_layer.hpp has the
// equations.

#include "ecphory/attention/tokens.hpp"
#include "ecphory/compute/batch.hpp"

namespace ecphory::attention {

/// X (W, T) are the tokens of a sequence; its vectors are columns of (W, sequences), numbers of its tokens
/// columns of (T, sequences), and p_1 is (T, T · sequences). Sequences that share a matrix of a batch stand
/// together, as many for each. All on one device.
template <class Real>
struct TwoLayerPasses {
  using In = compute::View<const Real>;
  using Out = compute::View<Real>;
  using Tokens = PositionedTokens<Real>;

  /// With the content's part of Z = B X in z: adds that of the positions, and gives p_1 = softmax(Xᵀ Z),
  /// causal, u = X p_1(:, T−1) and the last tokens.
  static void first_layer(const Tokens& x, compute::Batch<const Real> b, Out z, Out p1, Out u, Out x_last);

  /// y = Xᵀ g, p = softmax(Xᵀ a + p_1ᵀ y), w = p_1 p, c = X p, d = X w.
  static void last_token(const Tokens& x, In p1, In a, In g, Out y, Out p, Out w, Out c, Out d);

  /// From the gradients of c and d to those of a and g, by way of dt, that of the softmax's argument, and dw.
  static void last_token_backward(const Tokens& x, In p1, In p, In dc, In dd, Out dt, Out dw, Out da, Out dg);

  /// The gradient of p_1 is dw pᵀ + y dtᵀ, and Xᵀ du more in its last column. Gives dz = X dS, with dS the
  /// gradient of S = Xᵀ B X, and adds dz Xᵀ to the columns of positions of d_b; those of the content are left
  /// to a product.
  static void first_layer_backward(const Tokens& x, In p1, In p, In y, In dt, In dw, In du, Out dz,
                                   compute::Batch<Real> d_b);
};

extern template struct TwoLayerPasses<float>;
extern template struct TwoLayerPasses<double>;

}  // namespace ecphory::attention
