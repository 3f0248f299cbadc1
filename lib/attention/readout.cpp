#include "ecphory/attention/readout.hpp"

#include <fmt/format.h>

#include "ecphory/attention/products.hpp"
#include "ecphory/compute/axpby.hpp"
#include "ecphory/compute/bias_relu.hpp"

namespace ecphory::attention {

using compute::Array;
using compute::Tensors;
using compute::Transpose;
using compute::View;

namespace {

std::string name_of(Index layer, const char* what) { return fmt::format("mlp{}.{}", layer + 1, what); }

}  // namespace

void add_weights(const ReadoutShape& shape, compute::TensorLayout& layout) {
  for (Index layer = 0; layer < shape.layers; ++layer) {
    layout.add(fmt::format("mlp{}.weight", layer + 1), shape.width, shape.width);
    layout.add(fmt::format("mlp{}.bias", layer + 1), 1, 1);
  }
  layout.add("readout.weight", shape.labels, shape.width);
}

template <class Real>
Readout<Real>::Readout(const ReadoutShape& shape, Index sequences, compute::Device device)
    : shape_(shape),
      logits_({shape.labels, sequences}, device),
      d_({shape.width, sequences}, device),
      below_({shape.width, sequences}, device) {
  for (Index layer = 0; layer <= shape.layers; ++layer)
    x_.emplace_back(std::vector{shape.width, sequences}, device);
}

template <class Real>
View<Real> Readout<Real>::forward(const Tensors<const Real>& weights, View<const Real> last) {
  const auto used = [&](Array<Real>& x) { return View<Real>(x).middle_columns(0, last.columns); };
  compute::axpby<Real>(Real{1}, last, Real{0}, used(x_.front()));
  for (Index layer = 0; layer < shape_.layers; ++layer) {
    const View<Real> y = used(x_[static_cast<std::size_t>(layer) + 1]);
    product<Real>(Transpose::no, Real{1}, weights[name_of(layer, "weight")],
                  used(x_[static_cast<std::size_t>(layer)]), Real{0}, y);
    compute::bias_relu<Real>(weights.number(name_of(layer, "bias")), y, y);
  }
  product<Real>(Transpose::no, Real{1}, weights["readout.weight"], used(x_.back()), Real{0}, used(logits_));
  return used(logits_);
}

template <class Real>
View<const Real> Readout<Real>::backward(const Tensors<const Real>& weights, View<const Real> d_logits,
                                         const Tensors<Real>& gradient) {
  const auto used = [&](Array<Real>& x) { return View<Real>(x).middle_columns(0, d_logits.columns); };
  outer<Real>(Real{1}, d_logits, used(x_.back()), gradient["readout.weight"]);
  product<Real>(Transpose::yes, Real{1}, weights["readout.weight"], d_logits, Real{0}, used(d_));
  for (Index layer = shape_.layers - 1; layer >= 0; --layer) {
    compute::bias_relu_backward<Real>(used(x_[static_cast<std::size_t>(layer) + 1]), used(d_), used(d_),
                                      gradient.number(name_of(layer, "bias")));
    outer<Real>(Real{1}, used(d_), used(x_[static_cast<std::size_t>(layer)]),
                gradient[name_of(layer, "weight")]);
    product<Real>(Transpose::yes, Real{1}, weights[name_of(layer, "weight")], used(d_), Real{0},
                  used(below_));
    d_.swap(below_);
  }
  return used(d_);
}

template class Readout<float>;
template class Readout<double>;

}  // namespace ecphory::attention
