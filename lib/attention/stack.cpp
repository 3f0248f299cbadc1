#include "ecphory/attention/stack.hpp"

#include "ecphory/compute/axpby.hpp"

namespace ecphory::attention {

using compute::Array;
using compute::Tensors;
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
Stack<Real>::Stack(const StackShape& shape, Index sequences, compute::Device device)
    : shape_(checked(shape)),
      output_({shape.width, shape.tokens * sequences}, device),
      scratch_(shape, shape.tokens * sequences, device) {
  const Index columns = shape.tokens * sequences;
  for (Index layer = 0; layer < shape.layers; ++layer) {
    attention_.emplace_back(shape, layer, columns, device);
    if (shape.mlp > 0) mlp_.emplace_back(shape, layer, columns, device);
  }
  if (shape.stream != Stream::none) stream_.emplace(shape, columns, device);
  if (shape.mlp > 0) d_hidden_ = Array<Real>({shape.mlp, columns}, device);
  if (shape.layer_norm) d_read_ = Array<Real>({shape.width, columns}, device);
}

template <class Real>
View<const Real> Stack<Real>::attention(Index layer, Index head) const {
  return attention_[static_cast<std::size_t>(layer)].attention(head);
}

template <class Real>
View<const Real> Stack<Real>::raw(Index layer, Projection kind) const {
  return attention_[static_cast<std::size_t>(layer)].raw(kind);
}

template <class Real>
View<const Real> Stack<Real>::used(Index layer, Projection kind) const {
  return attention_[static_cast<std::size_t>(layer)].used(kind);
}

template <class Real>
View<const Real> Stack<Real>::forward(const Tensors<const Real>& weights, View<const Real> x) {
  base::ensure(x.rows == shape_.width && x.columns <= output_.columns() &&
                   x.columns % (shape_.tokens * weights.models()) == 0,
               "the stack takes (width, tokens · sequences)");
  columns_ = x.columns;
  const View<Real> output = View<Real>(output_).middle_columns(0, columns_);
  compute::axpby<Real>(Real{1}, x, Real{0}, output);
  for (Index layer = 0; layer < shape_.layers; ++layer) {
    AttentionBlock<Real>& block = attention_[static_cast<std::size_t>(layer)];
    block.project(weights, output);
    if (stream_) {
      const Projection kind = streamed(shape_);
      block.use(kind, stream_->forward(weights, layer, block.raw(kind)));
    }
    block.attend(weights, output);
    if (!mlp_.empty()) mlp_[static_cast<std::size_t>(layer)].forward(weights, output);
  }
  return output;
}

template <class Real>
void Stack<Real>::backward(const Tensors<const Real>& weights, View<Real> d, const Tensors<Real>& gradient) {
  base::ensure(d.rows == shape_.width && d.columns == columns_, "the gradient has the output's shape");
  // Of the shapes that have them.
  const auto mine = [&](Array<Real>& x) {
    return x.size() == 0 ? View<Real>() : View<Real>(x).middle_columns(0, columns_);
  };
  for (Index layer = shape_.layers - 1; layer >= 0; --layer) {
    if (!mlp_.empty())
      mlp_[static_cast<std::size_t>(layer)].backward(weights, d, gradient, mine(d_hidden_), mine(d_read_));
    const AttentionBlock<Real>& block = attention_[static_cast<std::size_t>(layer)];
    block.attend_backward(weights, d, gradient, scratch_);
    if (stream_) stream_->backward(weights, layer, mine(scratch_.d_projection[streamed(shape_)]), gradient);
    block.project_backward(weights, d, gradient, scratch_, mine(d_read_));
  }
}

template class Stack<float>;
template class Stack<double>;

}  // namespace ecphory::attention
