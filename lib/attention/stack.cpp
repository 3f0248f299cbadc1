#include "ecphory/attention/stack.hpp"

#include <array>
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

namespace {

constexpr std::array kProjections = {"query", "key", "value"};

const compute::Tensor& tensor(const TensorLayout& layout, Index layer, const char* name) {
  return layout.at(fmt::format("layer{}.{}", layer + 1, name));
}

}  // namespace

template <class Real>
Stack<Real>::Stack(const StackShape& shape, Index sequences)
    : shape_(shape),
      columns_(shape.tokens * sequences),
      output_({shape.width, columns_}),
      source_({shape.width, columns_}),
      d_scores_({shape.tokens, columns_}),
      carry_({shape.width, columns_}) {
  check(shape);
  for (Index l = 0; l < shape.layers; ++l) {
    Layer layer{.x = Array<Real>({shape.width, columns_}), .raw = {}, .streamed = {}, .attention = {}};
    for (std::size_t k = 0; k < kProjections.size(); ++k)
      layer.raw.emplace_back(std::vector{shape.width, columns_});
    for (Index h = 0; h < shape.heads; ++h) layer.attention.emplace_back(std::vector{shape.tokens, columns_});
    if (l > 0 && shape.stream != Stream::none) layer.streamed = Array<Real>({shape.width, columns_});
    layers_.push_back(std::move(layer));
  }
  for (std::size_t k = 0; k < kProjections.size(); ++k)
    d_used_.emplace_back(std::vector{shape.width, columns_});
}

template <class Real>
bool Stack<Real>::mixes(Index layer, Kind kind) const {
  return layer > 0 && static_cast<int>(shape_.stream) == kind + 1;
}

template <class Real>
View<const Real> Stack<Real>::used(Index layer, Kind kind) const {
  const Layer& l = layers_[static_cast<std::size_t>(layer)];
  return mixes(layer, kind) ? l.streamed : l.raw[kind];
}

template <class Real>
View<const Real> Stack<Real>::attention(Index layer, Index head) const {
  return layers_[static_cast<std::size_t>(layer)].attention[static_cast<std::size_t>(head)];
}

template <class Real>
View<const Real> Stack<Real>::source(Index layer) {
  const auto kind = static_cast<std::size_t>(shape_.stream) - 1;
  const auto raw = [&](Index l) -> const Array<Real>& {
    return layers_[static_cast<std::size_t>(l)].raw[kind];
  };
  if (shape_.source == StreamSource::previous) return raw(layer - 1);
  if (shape_.source == StreamSource::first) return raw(0);
  auto sum = source_.matrix();
  sum = raw(0).matrix();
  for (Index below = 1; below < layer; ++below) sum += raw(below).matrix();
  return source_;
}

template <class Real>
void Stack<Real>::mix(const TensorLayout& layout, const Real* weights, Index layer) {
  const MixFactors f = factors(shape_, layer);
  const auto from = source(layer).matrix();
  Layer& l = layers_[static_cast<std::size_t>(layer)];
  auto to = l.streamed.matrix();
  to = static_cast<Real>(f.own) * l.raw[static_cast<std::size_t>(shape_.stream) - 1].matrix();
  if (!shape_.has_learned_mix()) {
    to += static_cast<Real>(f.stream) * from;
    return;
  }
  const auto weight = view_of(weights, tensor(layout, layer, "mix"));
  const Index rows = shape_.width / weight.rows;
  for (Index h = 0; h < weight.rows; ++h)
    to.middleRows(h * rows, rows) += weight.data[h] * from.middleRows(h * rows, rows);
}

template <class Real>
void Stack<Real>::mix_backward(const TensorLayout& layout, const Real* weights, Index layer, View<Real> d,
                               Real* gradient) {
  // d is the gradient of the streamed projection on entry, and that of the raw one when this returns.
  const MixFactors f = factors(shape_, layer);
  auto du = d.matrix();
  auto carry = carry_.matrix();
  Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic> d_source = static_cast<Real>(f.stream) * du;
  if (shape_.has_learned_mix()) {
    const auto from = source(layer).matrix();
    const compute::Tensor& t = tensor(layout, layer, "mix");
    const auto weight = view_of(weights, t);
    auto d_weight = view_of(gradient, t);
    const Index rows = shape_.width / weight.rows;
    for (Index h = 0; h < weight.rows; ++h) {
      d_weight.data[h] += du.middleRows(h * rows, rows).cwiseProduct(from.middleRows(h * rows, rows)).sum();
      d_source.middleRows(h * rows, rows) = weight.data[h] * du.middleRows(h * rows, rows);
    }
  }
  du *= static_cast<Real>(f.own);
  // What later layers took of this one's raw projection has been carried down to here.
  if (shape_.source != StreamSource::first) du += carry;
  if (shape_.source == StreamSource::previous) {
    carry = d_source;
  } else {
    carry += d_source;
  }
}

template <class Real>
View<const Real> Stack<Real>::forward(const TensorLayout& layout, const Real* weights, View<const Real> x) {
  base::ensure(x.rows == shape_.width && x.columns == columns_,
               "the stack takes (width, tokens · sequences)");
  const Index sequences = columns_ / shape_.tokens;
  const Real beta = shape_.scaled ? 1 / std::sqrt(static_cast<Real>(shape_.head_width())) : Real{1};
  output_.matrix() = x.matrix();
  for (Index layer = 0; layer < shape_.layers; ++layer) {
    Layer& l = layers_[static_cast<std::size_t>(layer)];
    l.x.matrix() = output_.matrix();
    for (std::size_t k = 0; k < kProjections.size(); ++k) {
      gemm<Real>(Transpose::no, Transpose::no, Real{1},
                 view_of(weights, tensor(layout, layer, kProjections[k])), l.x, Real{0}, l.raw[k]);
    }
    if (layer > 0 && shape_.stream != Stream::none) mix(layout, weights, layer);
    for (Index h = 0; h < shape_.heads; ++h) {
      const auto rows = [&](auto view) {
        return view.middle_rows(h * shape_.head_width(), shape_.head_width());
      };
      Array<Real>& p = l.attention[static_cast<std::size_t>(h)];
      batched_gemm<Real>(sequences, Transpose::yes, Transpose::no, Real{1}, rows(used(layer, kKey)),
                         rows(used(layer, kQuery)), Real{0}, p);
      compute::causal_softmax<Real>(beta, p, p);
      batched_gemm<Real>(sequences, Transpose::no, Transpose::no, Real{1}, rows(used(layer, kValue)), p,
                         Real{1}, rows(View<Real>(output_)));
    }
  }
  return output_;
}

template <class Real>
void Stack<Real>::backward(const TensorLayout& layout, const Real* weights, View<Real> d, Real* gradient) {
  base::ensure(d.rows == shape_.width && d.columns == columns_, "the gradient has the output's shape");
  const Index sequences = columns_ / shape_.tokens;
  const Real beta = shape_.scaled ? 1 / std::sqrt(static_cast<Real>(shape_.head_width())) : Real{1};
  carry_.matrix().setZero();
  for (Index layer = shape_.layers - 1; layer >= 0; --layer) {
    const Layer& l = layers_[static_cast<std::size_t>(layer)];
    for (Index h = 0; h < shape_.heads; ++h) {
      const auto rows = [&](auto view) {
        return view.middle_rows(h * shape_.head_width(), shape_.head_width());
      };
      const Array<Real>& p = l.attention[static_cast<std::size_t>(h)];
      const View<const Real> d_output = rows(View<const Real>(d));
      // o = v p
      batched_gemm<Real>(sequences, Transpose::no, Transpose::yes, Real{1}, d_output, p, Real{0},
                         rows(View<Real>(d_used_[kValue])));
      batched_gemm<Real>(sequences, Transpose::yes, Transpose::no, Real{1}, rows(used(layer, kValue)),
                         d_output, Real{0}, d_scores_);
      compute::causal_softmax_backward<Real>(beta, p, d_scores_, d_scores_);
      // s = kᵀ q
      batched_gemm<Real>(sequences, Transpose::no, Transpose::no, Real{1}, rows(used(layer, kKey)), d_scores_,
                         Real{0}, rows(View<Real>(d_used_[kQuery])));
      batched_gemm<Real>(sequences, Transpose::no, Transpose::yes, Real{1}, rows(used(layer, kQuery)),
                         d_scores_, Real{0}, rows(View<Real>(d_used_[kKey])));
    }
    if (shape_.stream != Stream::none) {
      Array<Real>& streamed = d_used_[static_cast<std::size_t>(shape_.stream) - 1];
      if (layer > 0) {
        mix_backward(layout, weights, layer, streamed, gradient);
      } else {
        streamed.matrix() += carry_.matrix();
      }
    }
    for (std::size_t k = 0; k < kProjections.size(); ++k) {
      const compute::Tensor& t = tensor(layout, layer, kProjections[k]);
      gemm<Real>(Transpose::no, Transpose::yes, Real{1}, d_used_[k], l.x, Real{1}, view_of(gradient, t));
      gemm<Real>(Transpose::yes, Transpose::no, Real{1}, view_of(weights, t), d_used_[k], Real{1}, d);
    }
  }
}

template class Stack<float>;
template class Stack<double>;

}  // namespace ecphory::attention
