#include "ecphory/attention/pre_norm.hpp"

#include "ecphory/compute/axpby.hpp"
#include "ecphory/compute/fill.hpp"
#include "ecphory/compute/layer_norm.hpp"

namespace ecphory::attention {

using compute::Array;
using compute::Tensors;
using compute::View;

template <class Real>
PreNorm<Real>::PreNorm(const StackShape& shape, const std::string& name, Index columns,
                       compute::Device device)
    : has_norm_(shape.layer_norm),
      gain_(name + ".gain"),
      shift_(name + ".shift"),
      x_({shape.width, columns}, device) {
  if (!has_norm_) return;
  read_ = Array<Real>({shape.width, columns}, device);
  statistics_ = Array<Real>({2, columns}, device);
}

template <class Real>
View<const Real> PreNorm<Real>::read() const {
  return View<const Real>(has_norm_ ? read_ : x_).middle_columns(0, columns_);
}

template <class Real>
View<const Real> PreNorm<Real>::forward(const Tensors<const Real>& weights, View<const Real> x) {
  columns_ = x.columns;
  const auto mine = [&](Array<Real>& all) {
    return blocks_of(View<Real>(all).middle_columns(0, columns_), weights.models());
  };
  compute::axpby<Real>(Real{1}, x, Real{0}, View<Real>(x_).middle_columns(0, columns_));
  for (Index m = 0; has_norm_ && m < weights.models(); ++m) {
    compute::layer_norm<Real>(static_cast<Real>(kLayerNormEpsilon), mine(x_)[m], weights[gain_][m],
                              weights[shift_][m], mine(read_)[m], mine(statistics_)[m]);
  }
  return read();
}

template <class Real>
View<Real> PreNorm<Real>::begin_backward(View<Real> d, View<Real> memory) const {
  if (!has_norm_) return d;
  compute::fill<Real>(Real{0}, memory);
  return memory;
}

template <class Real>
void PreNorm<Real>::end_backward(const Tensors<const Real>& weights, View<Real> d, View<Real> memory,
                                 const Tensors<Real>& gradient) const {
  if (!has_norm_) return;
  const auto mine = [&](auto all) { return blocks_of(all.middle_columns(0, columns_), weights.models()); };
  for (Index m = 0; m < weights.models(); ++m) {
    compute::layer_norm_backward<Real>(mine(View<const Real>(x_))[m], weights[gain_][m],
                                       mine(View<const Real>(statistics_))[m], mine(memory)[m],
                                       mine(memory)[m], gradient[gain_][m], gradient[shift_][m]);
  }
  compute::axpby<Real>(Real{1}, memory, Real{1}, d);
}

template class PreNorm<float>;
template class PreNorm<double>;

}  // namespace ecphory::attention
