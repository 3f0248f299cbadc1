#include "ecphory/attention/mlp_block.hpp"

#include <fmt/format.h>

#include "ecphory/attention/products.hpp"
#include "ecphory/compute/bias.hpp"
#include "ecphory/compute/bias_relu.hpp"
#include "ecphory/compute/gelu.hpp"

namespace ecphory::attention {

using compute::Batch;
using compute::Tensors;
using compute::Transpose;
using compute::View;

namespace {

/// y += b, of the columns of each network.
template <class Real>
void add_biases(Batch<const Real> b, View<Real> y) {
  for (Index m = 0; m < b.count; ++m) compute::add_bias<Real>(b[m], blocks_of(y, b.count)[m]);
}

template <class Real>
void add_biases_backward(View<const Real> dy, Batch<Real> db) {
  for (Index m = 0; m < db.count; ++m) compute::add_bias_backward<Real>(blocks_of(dy, db.count)[m], db[m]);
}

}  // namespace

template <class Real>
MlpBlock<Real>::MlpBlock(const StackShape& shape, Index layer, Index columns, compute::Device device)
    : activation_(shape.activation),
      name_(fmt::format("layer{}.mlp", layer + 1)),
      input_(shape, name_ + "_norm", columns, device),
      hidden_({shape.mlp, columns}, device),
      active_({shape.mlp, columns}, device) {}

template <class Real>
void MlpBlock<Real>::forward(const Tensors<const Real>& weights, View<Real> x) {
  const auto weight = [&](const char* what) { return weights[name_ + what]; };
  const View<Real> hidden = View<Real>(hidden_).middle_columns(0, x.columns);
  const View<Real> active = View<Real>(active_).middle_columns(0, x.columns);
  const View<const Real> n = input_.forward(weights, x);
  product<Real>(Transpose::no, Real{1}, weight(".in"), n, Real{0}, hidden);
  add_biases<Real>(weight(".in_bias"), hidden);
  if (activation_ == Activation::gelu) {
    compute::gelu<Real>(hidden, active);
  } else {
    compute::bias_relu<Real>({}, hidden, active);
  }
  product<Real>(Transpose::no, Real{1}, weight(".out"), active, Real{1}, x);
  add_biases<Real>(weight(".out_bias"), x);
}

template <class Real>
void MlpBlock<Real>::backward(const Tensors<const Real>& weights, View<Real> d, const Tensors<Real>& gradient,
                              View<Real> d_hidden, View<Real> memory) const {
  const auto weight = [&](const char* what) { return weights[name_ + what]; };
  const auto d_weight = [&](const char* what) { return gradient[name_ + what]; };
  const View<const Real> hidden = View<const Real>(hidden_).middle_columns(0, d.columns);
  const View<const Real> active = View<const Real>(active_).middle_columns(0, d.columns);
  // x + W_2 f(a) + b_2
  add_biases_backward<Real>(d, d_weight(".out_bias"));
  outer<Real>(Real{1}, d, active, d_weight(".out"));
  product<Real>(Transpose::yes, Real{1}, weight(".out"), d, Real{0}, d_hidden);
  if (activation_ == Activation::gelu) {
    compute::gelu_backward<Real>(hidden, d_hidden, d_hidden);
  } else {
    compute::bias_relu_backward<Real>(active, d_hidden, d_hidden, {});
  }
  // a = W_1 n + b_1
  add_biases_backward<Real>(d_hidden, d_weight(".in_bias"));
  outer<Real>(Real{1}, d_hidden, input_.read(), d_weight(".in"));
  const View<Real> d_read = input_.begin_backward(d, memory);
  product<Real>(Transpose::yes, Real{1}, weight(".in"), d_hidden, Real{1}, d_read);
  input_.end_backward(weights, d, memory, gradient);
}

template class MlpBlock<float>;
template class MlpBlock<double>;

}  // namespace ecphory::attention
