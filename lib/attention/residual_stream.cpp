#include "ecphory/attention/residual_stream.hpp"

#include <fmt/format.h>

namespace ecphory::attention {

using compute::Array;
using compute::TensorLayout;
using compute::View;

namespace {

const compute::Tensor& mix_of(const TensorLayout& layout, Index layer) {
  return layout.at(fmt::format("layer{}.mix", layer + 1));
}

}  // namespace

template <class Real>
ResidualStream<Real>::ResidualStream(const StackShape& shape, Index columns)
    : shape_(shape),
      raw_(static_cast<std::size_t>(shape.layers)),
      used_(raw_.size()),
      sum_({shape.width, columns}),
      d_source_({shape.width, columns}),
      carry_({shape.width, columns}) {
  for (std::size_t layer = 1; layer < used_.size(); ++layer)
    used_[layer] = Array<Real>({shape.width, columns});
}

template <class Real>
View<const Real> ResidualStream<Real>::source(Index layer) {
  if (shape_.source == StreamSource::previous) return raw_[static_cast<std::size_t>(layer - 1)];
  if (shape_.source == StreamSource::first) return raw_.front();
  auto sum = sum_.matrix();
  sum = raw_.front().matrix();
  for (Index below = 1; below < layer; ++below) sum += raw_[static_cast<std::size_t>(below)].matrix();
  return sum_;
}

template <class Real>
View<const Real> ResidualStream<Real>::forward(const TensorLayout& layout, const Real* weights, Index layer,
                                               View<const Real> raw) {
  raw_[static_cast<std::size_t>(layer)] = raw;
  if (layer == 0) return raw;
  const MixFactors f = factors(shape_, layer);
  const auto from = source(layer).matrix();
  Array<Real>& used = used_[static_cast<std::size_t>(layer)];
  auto to = used.matrix();
  to = static_cast<Real>(f.own) * raw.matrix();
  if (!shape_.has_learned_mix()) {
    to += static_cast<Real>(f.stream) * from;
    return used;
  }
  const auto weight = view_of(weights, mix_of(layout, layer));
  const Index rows = shape_.width / weight.rows;
  for (Index h = 0; h < weight.rows; ++h)
    to.middleRows(h * rows, rows) += weight.data[h] * from.middleRows(h * rows, rows);
  return used;
}

template <class Real>
void ResidualStream<Real>::backward(const TensorLayout& layout, const Real* weights, Index layer,
                                    View<Real> d, Real* gradient) {
  auto du = d.matrix();
  auto carry = carry_.matrix();
  if (layer == shape_.layers - 1) carry.setZero();
  if (layer == 0) {
    du += carry;
    return;
  }
  const MixFactors f = factors(shape_, layer);
  auto d_source = d_source_.matrix();
  d_source = static_cast<Real>(f.stream) * du;
  if (shape_.has_learned_mix()) {
    const auto from = source(layer).matrix();
    const compute::Tensor& t = mix_of(layout, layer);
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

template class ResidualStream<float>;
template class ResidualStream<double>;

}  // namespace ecphory::attention
