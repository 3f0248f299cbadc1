#include "ecphory/attention/attention_block.hpp"

#include <cmath>

#include <fmt/format.h>

#include "ecphory/attention/products.hpp"
#include "ecphory/compute/causal_softmax.hpp"

namespace ecphory::attention {

using compute::Array;
using compute::batched_gemm;
using compute::Tensors;
using compute::Transpose;
using compute::View;

template <class Real>
AttentionBlock<Real>::Scratch::Scratch(const StackShape& shape, Index columns, compute::Device device)
    : d_scores({shape.tokens, columns}, device) {
  for (Array<Real>& d : d_projection) d = Array<Real>({shape.width, columns}, device);
  if (shape.output_projection) d_heads = Array<Real>({shape.width, columns}, device);
}

template <class Real>
AttentionBlock<Real>::AttentionBlock(const StackShape& shape, Index layer, Index columns,
                                     compute::Device device)
    : shape_(shape),
      names_{fmt::format("layer{}.query", layer + 1), fmt::format("layer{}.key", layer + 1),
             fmt::format("layer{}.value", layer + 1)},
      output_name_(fmt::format("layer{}.output", layer + 1)),
      input_(shape, fmt::format("layer{}.norm", layer + 1), columns, device) {
  for (Array<Real>& raw : raw_) raw = Array<Real>({shape.width, columns}, device);
  for (Index h = 0; h < shape.heads; ++h) attention_.emplace_back(std::vector{shape.tokens, columns}, device);
  if (shape.output_projection) heads_ = Array<Real>({shape.width, columns}, device);
}

template <class Real>
template <class Element>
View<Element> AttentionBlock<Real>::head(View<Element> x, Index h) const {
  return x.middle_rows(h * shape_.head_width(), shape_.head_width());
}

template <class Real>
Real AttentionBlock<Real>::beta() const {
  return shape_.scaled ? 1 / std::sqrt(static_cast<Real>(shape_.head_width())) : Real{1};
}

template <class Real>
void AttentionBlock<Real>::project(const Tensors<const Real>& weights, View<const Real> x) {
  columns_ = x.columns;
  const View<const Real> n = input_.forward(weights, x);
  for (std::size_t k = 0; k < raw_.size(); ++k) {
    const View<Real> raw = View<Real>(raw_[k]).middle_columns(0, columns_);
    product<Real>(Transpose::no, Real{1}, weights[names_[k]], n, Real{0}, raw);
    used_[k] = raw;
  }
}

template <class Real>
void AttentionBlock<Real>::attend(const Tensors<const Real>& weights, View<Real> x) {
  const auto by_sequence = [&](auto view) { return blocks_of(view, columns_ / shape_.tokens); };
  const auto of = [&](Projection kind, Index h) { return by_sequence(head(used_[kind], h)); };
  for (Index h = 0; h < shape_.heads; ++h) {
    const View<Real> p = View<Real>(attention_[static_cast<std::size_t>(h)]).middle_columns(0, columns_);
    batched_gemm<Real>(Transpose::yes, Transpose::no, Real{1}, of(kKey, h), of(kQuery, h), Real{0},
                       by_sequence(p));
    compute::causal_softmax<Real>(beta(), p, p);
    if (shape_.output_projection) {
      const View<Real> o = head(View<Real>(heads_).middle_columns(0, columns_), h);
      batched_gemm<Real>(Transpose::no, Transpose::no, Real{1}, of(kValue, h), by_sequence(p), Real{0},
                         by_sequence(o));
    } else {
      batched_gemm<Real>(Transpose::no, Transpose::no, Real{1}, of(kValue, h), by_sequence(p), Real{1},
                         by_sequence(head(x, h)));
    }
  }
  if (shape_.output_projection) {
    product<Real>(Transpose::no, Real{1}, weights[output_name_],
                  View<const Real>(heads_).middle_columns(0, columns_), Real{1}, x);
  }
}

template <class Real>
void AttentionBlock<Real>::attend_backward(const Tensors<const Real>& weights, View<const Real> d,
                                           const Tensors<Real>& gradient, Scratch& scratch) const {
  const auto by_sequence = [&](auto view) { return blocks_of(view, columns_ / shape_.tokens); };
  const auto of = [&](Projection kind, Index h) { return by_sequence(head(used_[kind], h)); };
  const auto d_of = [&](Projection kind, Index h) {
    return by_sequence(head(View<Real>(scratch.d_projection[kind]).middle_columns(0, columns_), h));
  };
  View<const Real> d_heads = d;
  if (shape_.output_projection) {
    const View<Real> d_o = View<Real>(scratch.d_heads).middle_columns(0, columns_);
    outer<Real>(Real{1}, d, View<const Real>(heads_).middle_columns(0, columns_), gradient[output_name_]);
    product<Real>(Transpose::yes, Real{1}, weights[output_name_], d, Real{0}, d_o);
    d_heads = d_o;
  }
  const View<Real> d_scores = View<Real>(scratch.d_scores).middle_columns(0, columns_);
  for (Index h = 0; h < shape_.heads; ++h) {
    const View<const Real> p = attention(h);
    const auto d_output = by_sequence(head(d_heads, h));
    // o = v p
    batched_gemm<Real>(Transpose::no, Transpose::yes, Real{1}, d_output, by_sequence(p), Real{0},
                       d_of(kValue, h));
    batched_gemm<Real>(Transpose::yes, Transpose::no, Real{1}, of(kValue, h), d_output, Real{0},
                       by_sequence(d_scores));
    compute::causal_softmax_backward<Real>(beta(), p, d_scores, d_scores);
    // s = kᵀ q
    batched_gemm<Real>(Transpose::no, Transpose::no, Real{1}, of(kKey, h), by_sequence(d_scores), Real{0},
                       d_of(kQuery, h));
    batched_gemm<Real>(Transpose::no, Transpose::yes, Real{1}, of(kQuery, h), by_sequence(d_scores), Real{0},
                       d_of(kKey, h));
  }
}

template <class Real>
void AttentionBlock<Real>::project_backward(const Tensors<const Real>& weights, View<Real> d,
                                            const Tensors<Real>& gradient, const Scratch& scratch,
                                            View<Real> memory) const {
  const View<Real> d_read = input_.begin_backward(d, memory);
  for (std::size_t k = 0; k < names_.size(); ++k) {
    const View<const Real> d_raw = View<const Real>(scratch.d_projection[k]).middle_columns(0, columns_);
    outer<Real>(Real{1}, d_raw, input_.read(), gradient[names_[k]]);
    product<Real>(Transpose::yes, Real{1}, weights[names_[k]], d_raw, Real{1}, d_read);
  }
  input_.end_backward(weights, d, memory, gradient);
}

template class AttentionBlock<float>;
template class AttentionBlock<double>;

}  // namespace ecphory::attention
