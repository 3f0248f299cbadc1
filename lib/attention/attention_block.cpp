#include "ecphory/attention/attention_block.hpp"

#include <cmath>

#include <fmt/format.h>

#include "ecphory/compute/batched_gemm.hpp"
#include "ecphory/compute/causal_softmax.hpp"

namespace ecphory::attention {

using compute::Array;
using compute::batched_gemm;
using compute::gemm;
using compute::TensorLayout;
using compute::Transpose;
using compute::View;

template <class Real>
AttentionBlock<Real>::Scratch::Scratch(const StackShape& shape, Index columns)
    : d_scores({shape.tokens, columns}) {
  for (Array<Real>& d : d_projection) d = Array<Real>({shape.width, columns});
  if (shape.output_projection) d_heads = Array<Real>({shape.width, columns});
}

template <class Real>
AttentionBlock<Real>::AttentionBlock(const StackShape& shape, Index layer, Index columns)
    : shape_(shape),
      names_{fmt::format("layer{}.query", layer + 1), fmt::format("layer{}.key", layer + 1),
             fmt::format("layer{}.value", layer + 1)},
      output_name_(fmt::format("layer{}.output", layer + 1)),
      sequences_(columns / shape.tokens),
      input_(shape, fmt::format("layer{}.norm", layer + 1), columns) {
  for (Array<Real>& raw : raw_) raw = Array<Real>({shape.width, columns});
  for (Index h = 0; h < shape.heads; ++h) attention_.emplace_back(std::vector{shape.tokens, columns});
  if (shape.output_projection) heads_ = Array<Real>({shape.width, columns});
}

template <class Real>
View<const Real> AttentionBlock<Real>::head(View<const Real> x, Index h) const {
  return x.middle_rows(h * shape_.head_width(), shape_.head_width());
}
template <class Real>
View<Real> AttentionBlock<Real>::head(View<Real> x, Index h) const {
  return x.middle_rows(h * shape_.head_width(), shape_.head_width());
}

template <class Real>
Real AttentionBlock<Real>::beta() const {
  return shape_.scaled ? 1 / std::sqrt(static_cast<Real>(shape_.head_width())) : Real{1};
}

template <class Real>
void AttentionBlock<Real>::project(const TensorLayout& layout, const Real* weights, View<const Real> x) {
  const View<const Real> n = input_.forward(layout, weights, x);
  for (std::size_t k = 0; k < raw_.size(); ++k) {
    gemm<Real>(Transpose::no, Transpose::no, Real{1}, view_of(weights, layout.at(names_[k])), n, Real{0},
               raw_[k]);
    used_[k] = raw_[k];
  }
}

template <class Real>
void AttentionBlock<Real>::attend(const TensorLayout& layout, const Real* weights, View<Real> x) {
  for (Index h = 0; h < shape_.heads; ++h) {
    Array<Real>& p = attention_[static_cast<std::size_t>(h)];
    batched_gemm<Real>(sequences_, Transpose::yes, Transpose::no, Real{1}, head(used_[kKey], h),
                       head(used_[kQuery], h), Real{0}, p);
    compute::causal_softmax<Real>(beta(), p, p);
    if (shape_.output_projection) {
      batched_gemm<Real>(sequences_, Transpose::no, Transpose::no, Real{1}, head(used_[kValue], h), p,
                         Real{0}, head(View<Real>(heads_), h));
    } else {
      batched_gemm<Real>(sequences_, Transpose::no, Transpose::no, Real{1}, head(used_[kValue], h), p,
                         Real{1}, head(x, h));
    }
  }
  if (shape_.output_projection) {
    gemm<Real>(Transpose::no, Transpose::no, Real{1}, view_of(weights, layout.at(output_name_)), heads_,
               Real{1}, x);
  }
}

template <class Real>
void AttentionBlock<Real>::attend_backward(const TensorLayout& layout, const Real* weights,
                                           View<const Real> d, Real* gradient, Scratch& scratch) const {
  View<const Real> d_heads = d;
  if (shape_.output_projection) {
    const compute::Tensor& t = layout.at(output_name_);
    gemm<Real>(Transpose::no, Transpose::yes, Real{1}, d, heads_, Real{1}, view_of(gradient, t));
    gemm<Real>(Transpose::yes, Transpose::no, Real{1}, view_of(weights, t), d, Real{0}, scratch.d_heads);
    d_heads = scratch.d_heads;
  }
  const auto d_projection = [&](Projection kind, Index h) {
    return head(View<Real>(scratch.d_projection[kind]), h);
  };
  for (Index h = 0; h < shape_.heads; ++h) {
    const Array<Real>& p = attention_[static_cast<std::size_t>(h)];
    const View<const Real> d_output = head(d_heads, h);
    // o = v p
    batched_gemm<Real>(sequences_, Transpose::no, Transpose::yes, Real{1}, d_output, p, Real{0},
                       d_projection(kValue, h));
    batched_gemm<Real>(sequences_, Transpose::yes, Transpose::no, Real{1}, head(used_[kValue], h), d_output,
                       Real{0}, scratch.d_scores);
    compute::causal_softmax_backward<Real>(beta(), p, scratch.d_scores, scratch.d_scores);
    // s = kᵀ q
    batched_gemm<Real>(sequences_, Transpose::no, Transpose::no, Real{1}, head(used_[kKey], h),
                       scratch.d_scores, Real{0}, d_projection(kQuery, h));
    batched_gemm<Real>(sequences_, Transpose::no, Transpose::yes, Real{1}, head(used_[kQuery], h),
                       scratch.d_scores, Real{0}, d_projection(kKey, h));
  }
}

template <class Real>
void AttentionBlock<Real>::project_backward(const TensorLayout& layout, const Real* weights, View<Real> d,
                                            Real* gradient, const Scratch& scratch, View<Real> memory) const {
  const View<Real> d_read = input_.begin_backward(d, memory);
  for (std::size_t k = 0; k < names_.size(); ++k) {
    const compute::Tensor& t = layout.at(names_[k]);
    const View<const Real> d_raw = scratch.d_projection[k];
    gemm<Real>(Transpose::no, Transpose::yes, Real{1}, d_raw, input_.read(), Real{1}, view_of(gradient, t));
    gemm<Real>(Transpose::yes, Transpose::no, Real{1}, view_of(weights, t), d_raw, Real{1}, d_read);
  }
  input_.end_backward(layout, weights, d, memory, gradient);
}

template class AttentionBlock<float>;
template class AttentionBlock<double>;

}  // namespace ecphory::attention
