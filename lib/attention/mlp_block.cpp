#include "ecphory/attention/mlp_block.hpp"

#include <fmt/format.h>

#include "ecphory/compute/bias.hpp"
#include "ecphory/compute/bias_relu.hpp"
#include "ecphory/compute/gelu.hpp"
#include "ecphory/compute/gemm.hpp"

namespace ecphory::attention {

using compute::gemm;
using compute::TensorLayout;
using compute::Transpose;
using compute::View;

template <class Real>
MlpBlock<Real>::MlpBlock(const StackShape& shape, Index layer, Index columns)
    : activation_(shape.activation),
      name_(fmt::format("layer{}.mlp", layer + 1)),
      input_(shape, name_ + "_norm", columns),
      hidden_({shape.mlp, columns}),
      active_({shape.mlp, columns}) {}

template <class Real>
void MlpBlock<Real>::forward(const TensorLayout& layout, const Real* weights, View<Real> x) {
  const auto weight = [&](const char* what) { return view_of(weights, layout.at(name_ + what)); };
  const View<const Real> n = input_.forward(layout, weights, x);
  gemm<Real>(Transpose::no, Transpose::no, Real{1}, weight(".in"), n, Real{0}, hidden_);
  compute::add_bias<Real>(weight(".in_bias"), hidden_);
  if (activation_ == Activation::gelu) {
    compute::gelu<Real>(hidden_, active_);
  } else {
    compute::bias_relu<Real>({}, hidden_, active_);
  }
  gemm<Real>(Transpose::no, Transpose::no, Real{1}, weight(".out"), active_, Real{1}, x);
  compute::add_bias<Real>(weight(".out_bias"), x);
}

template <class Real>
void MlpBlock<Real>::backward(const TensorLayout& layout, const Real* weights, View<Real> d, Real* gradient,
                              View<Real> d_hidden, View<Real> memory) const {
  const auto weight = [&](const char* what) { return view_of(weights, layout.at(name_ + what)); };
  const auto d_weight = [&](const char* what) { return view_of(gradient, layout.at(name_ + what)); };
  // x + W_2 f(a) + b_2
  compute::add_bias_backward<Real>(d, d_weight(".out_bias"));
  gemm<Real>(Transpose::no, Transpose::yes, Real{1}, d, active_, Real{1}, d_weight(".out"));
  gemm<Real>(Transpose::yes, Transpose::no, Real{1}, weight(".out"), d, Real{0}, d_hidden);
  if (activation_ == Activation::gelu) {
    compute::gelu_backward<Real>(hidden_, d_hidden, d_hidden);
  } else {
    compute::bias_relu_backward<Real>(active_, d_hidden, d_hidden, {});
  }
  // a = W_1 n + b_1
  compute::add_bias_backward<Real>(d_hidden, d_weight(".in_bias"));
  gemm<Real>(Transpose::no, Transpose::yes, Real{1}, d_hidden, input_.read(), Real{1}, d_weight(".in"));
  const View<Real> d_read = input_.begin_backward(d, memory);
  gemm<Real>(Transpose::yes, Transpose::no, Real{1}, weight(".in"), d_hidden, Real{1}, d_read);
  input_.end_backward(layout, weights, d, memory, gradient);
}

template class MlpBlock<float>;
template class MlpBlock<double>;

}  // namespace ecphory::attention
