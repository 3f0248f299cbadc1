#include "ecphory/attention/pre_norm.hpp"

#include "ecphory/compute/layer_norm.hpp"

namespace ecphory::attention {

using compute::Array;
using compute::TensorLayout;
using compute::View;

template <class Real>
PreNorm<Real>::PreNorm(const StackShape& shape, const std::string& name, Index columns)
    : has_norm_(shape.layer_norm),
      gain_(name + ".gain"),
      shift_(name + ".shift"),
      x_({shape.width, columns}) {
  if (!has_norm_) return;
  read_ = Array<Real>({shape.width, columns});
  statistics_ = Array<Real>({2, columns});
}

template <class Real>
View<const Real> PreNorm<Real>::forward(const TensorLayout& layout, const Real* weights, View<const Real> x) {
  x_.matrix() = x.matrix();
  if (has_norm_) {
    compute::layer_norm<Real>(static_cast<Real>(kLayerNormEpsilon), x_, view_of(weights, layout.at(gain_)),
                              view_of(weights, layout.at(shift_)), read_, statistics_);
  }
  return read();
}

template <class Real>
View<Real> PreNorm<Real>::begin_backward(View<Real> d, View<Real> memory) const {
  if (!has_norm_) return d;
  memory.matrix().setZero();
  return memory;
}

template <class Real>
void PreNorm<Real>::end_backward(const TensorLayout& layout, const Real* weights, View<Real> d,
                                 View<Real> memory, Real* gradient) const {
  if (!has_norm_) return;
  compute::layer_norm_backward<Real>(x_, view_of(weights, layout.at(gain_)), statistics_, memory, memory,
                                     view_of(gradient, layout.at(gain_)),
                                     view_of(gradient, layout.at(shift_)));
  d.matrix() += memory.matrix();
}

template class PreNorm<float>;
template class PreNorm<double>;

}  // namespace ecphory::attention
