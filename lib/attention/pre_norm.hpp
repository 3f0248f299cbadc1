#pragma once
// What a block of the stack reads of x: x itself or, where the shape has layer norms, LN(x).

#include <string>

#include "ecphory/attention/shape.hpp"
#include "ecphory/compute/array.hpp"

namespace ecphory::attention {

inline constexpr double kLayerNormEpsilon = 1e-5;  ///< added to the variance

template <class Real>
class PreNorm {
 public:
  /// `name` is that of the weights `name.gain` and `name.shift`; for up to that many columns.
  PreNorm(const StackShape& shape, const std::string& name, Index columns, compute::Device device);

  /// Keeps a copy of x (W, columns) and gives what is read of it, valid until the next call.
  compute::View<const Real> forward(const compute::Tensors<const Real>& weights, compute::View<const Real> x);
  compute::View<const Real> read() const;

  /// Where to add the gradient of what was read: `d` itself, or zeros in `memory` of its shape.
  compute::View<Real> begin_backward(compute::View<Real> d, compute::View<Real> memory) const;

  /// With that gradient added: adds that of the weights to `gradient`, and that of x to d.
  void end_backward(const compute::Tensors<const Real>& weights, compute::View<Real> d,
                    compute::View<Real> memory, const compute::Tensors<Real>& gradient) const;

 private:
  bool has_norm_;
  std::string gain_;
  std::string shift_;
  Index columns_ = 0;                ///< of what forward() was last given
  compute::Array<Real> x_;           ///< (W, columns)
  compute::Array<Real> read_;        ///< LN(x) (W, columns)
  compute::Array<Real> statistics_;  ///< (2, columns)
};

extern template class PreNorm<float>;
extern template class PreNorm<double>;

}  // namespace ecphory::attention
