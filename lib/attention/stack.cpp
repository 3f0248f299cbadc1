#include "ecphory/attention/stack.hpp"

namespace ecphory::attention {

using compute::Array;
using compute::TensorLayout;
using compute::View;

namespace {

const StackShape& checked(const StackShape& shape) {
  check(shape);
  return shape;
}

/// Of a shape that has a stream.
Projection streamed(const StackShape& shape) {
  return static_cast<Projection>(static_cast<int>(shape.stream) - static_cast<int>(Stream::query));
}

}  // namespace

template <class Real>
Stack<Real>::Stack(const StackShape& shape, Index sequences)
    : shape_(checked(shape)),
      columns_(shape.tokens * sequences),
      output_({shape.width, columns_}),
      scratch_(shape, columns_) {
  for (Index layer = 0; layer < shape.layers; ++layer) {
    attention_.emplace_back(shape, layer, columns_);
    if (shape.mlp > 0) mlp_.emplace_back(shape, layer, columns_);
  }
  if (shape.stream != Stream::none) stream_.emplace(shape, columns_);
  if (shape.mlp > 0) d_hidden_ = Array<Real>({shape.mlp, columns_});
  if (shape.layer_norm) d_read_ = Array<Real>({shape.width, columns_});
}

template <class Real>
View<const Real> Stack<Real>::attention(Index layer, Index head) const {
  return attention_[static_cast<std::size_t>(layer)].attention(head);
}

template <class Real>
View<const Real> Stack<Real>::forward(const TensorLayout& layout, const Real* weights, View<const Real> x) {
  base::ensure(x.rows == shape_.width && x.columns == columns_,
               "the stack takes (width, tokens · sequences)");
  output_.matrix() = x.matrix();
  for (Index layer = 0; layer < shape_.layers; ++layer) {
    AttentionBlock<Real>& block = attention_[static_cast<std::size_t>(layer)];
    block.project(layout, weights, output_);
    if (stream_) {
      const Projection kind = streamed(shape_);
      block.use(kind, stream_->forward(layout, weights, layer, block.raw(kind)));
    }
    block.attend(layout, weights, output_);
    if (!mlp_.empty()) mlp_[static_cast<std::size_t>(layer)].forward(layout, weights, output_);
  }
  return output_;
}

template <class Real>
void Stack<Real>::backward(const TensorLayout& layout, const Real* weights, View<Real> d, Real* gradient) {
  base::ensure(d.rows == shape_.width && d.columns == columns_, "the gradient has the output's shape");
  for (Index layer = shape_.layers - 1; layer >= 0; --layer) {
    if (!mlp_.empty())
      mlp_[static_cast<std::size_t>(layer)].backward(layout, weights, d, gradient, d_hidden_, d_read_);
    const AttentionBlock<Real>& block = attention_[static_cast<std::size_t>(layer)];
    block.attend_backward(layout, weights, d, gradient, scratch_);
    if (stream_) stream_->backward(layout, weights, layer, scratch_.d_projection[streamed(shape_)], gradient);
    block.project_backward(layout, weights, d, gradient, scratch_, d_read_);
  }
}

template class Stack<float>;
template class Stack<double>;

}  // namespace ecphory::attention
