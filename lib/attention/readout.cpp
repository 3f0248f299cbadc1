#include "ecphory/attention/readout.hpp"

#include <fmt/format.h>

#include "ecphory/compute/bias_relu.hpp"
#include "ecphory/compute/gemm.hpp"

namespace ecphory::attention {

using compute::Array;
using compute::gemm;
using compute::TensorLayout;
using compute::Transpose;
using compute::View;

namespace {

const compute::Tensor& tensor(const TensorLayout& layout, Index layer, const char* name) {
  return layout.at(fmt::format("mlp{}.{}", layer + 1, name));
}

}  // namespace

void add_weights(const ReadoutShape& shape, TensorLayout& layout) {
  for (Index layer = 0; layer < shape.layers; ++layer) {
    layout.add(fmt::format("mlp{}.weight", layer + 1), shape.width, shape.width);
    layout.add(fmt::format("mlp{}.bias", layer + 1), 1, 1);
  }
  layout.add("readout.weight", shape.labels, shape.width);
}

template <class Real>
Readout<Real>::Readout(const ReadoutShape& shape, Index sequences)
    : shape_(shape),
      logits_({shape.labels, sequences}),
      d_({shape.width, sequences}),
      below_({shape.width, sequences}) {
  for (Index layer = 0; layer <= shape.layers; ++layer) x_.emplace_back(std::vector{shape.width, sequences});
}

template <class Real>
View<Real> Readout<Real>::forward(const TensorLayout& layout, const Real* weights, View<const Real> last) {
  const auto used = [&](Array<Real>& x) { return View<Real>(x).middle_columns(0, last.columns); };
  used(x_.front()).matrix() = last.matrix();
  for (Index layer = 0; layer < shape_.layers; ++layer) {
    const View<Real> y = used(x_[static_cast<std::size_t>(layer) + 1]);
    gemm<Real>(Transpose::no, Transpose::no, Real{1}, view_of(weights, tensor(layout, layer, "weight")),
               used(x_[static_cast<std::size_t>(layer)]), Real{0}, y);
    compute::bias_relu<Real>(view_of(weights, tensor(layout, layer, "bias")), y, y);
  }
  gemm<Real>(Transpose::no, Transpose::no, Real{1}, view_of(weights, layout.at("readout.weight")),
             used(x_.back()), Real{0}, used(logits_));
  return used(logits_);
}

template <class Real>
View<const Real> Readout<Real>::backward(const TensorLayout& layout, const Real* weights,
                                         View<const Real> d_logits, Real* gradient) {
  const auto used = [&](Array<Real>& x) { return View<Real>(x).middle_columns(0, d_logits.columns); };
  const compute::Tensor& map = layout.at("readout.weight");
  gemm<Real>(Transpose::no, Transpose::yes, Real{1}, d_logits, used(x_.back()), Real{1},
             view_of(gradient, map));
  gemm<Real>(Transpose::yes, Transpose::no, Real{1}, view_of(weights, map), d_logits, Real{0}, used(d_));
  for (Index layer = shape_.layers - 1; layer >= 0; --layer) {
    const compute::Tensor& weight = tensor(layout, layer, "weight");
    compute::bias_relu_backward<Real>(used(x_[static_cast<std::size_t>(layer) + 1]), used(d_), used(d_),
                                      view_of(gradient, tensor(layout, layer, "bias")));
    gemm<Real>(Transpose::no, Transpose::yes, Real{1}, used(d_), used(x_[static_cast<std::size_t>(layer)]),
               Real{1}, view_of(gradient, weight));
    gemm<Real>(Transpose::yes, Transpose::no, Real{1}, view_of(weights, weight), used(d_), Real{0},
               used(below_));
    d_.swap(below_);
  }
  return used(d_);
}

template class Readout<float>;
template class Readout<double>;

}  // namespace ecphory::attention
