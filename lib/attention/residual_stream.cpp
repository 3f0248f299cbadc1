#include "ecphory/attention/residual_stream.hpp"

#include <fmt/format.h>

#include "ecphory/compute/axpby.hpp"
#include "ecphory/compute/fill.hpp"
#include "ecphory/compute/scaled_blocks.hpp"

namespace ecphory::attention {

using compute::Array;
using compute::axpby;
using compute::Batch;
using compute::Tensors;
using compute::View;

namespace {

template <class Element>
Batch<Element> mix_of(const Tensors<Element>& weights, Index layer) {
  return weights[fmt::format("layer{}.mix", layer + 1)];
}

/// Number h of each model's mix, (1, models).
template <class Element>
View<Element> of_head(const Batch<Element>& mix, Index h) {
  return {mix.first.data + h, 1, mix.count, mix.step, mix.first.device};
}

}  // namespace

template <class Real>
ResidualStream<Real>::ResidualStream(const StackShape& shape, Index columns, compute::Device device)
    : shape_(shape),
      raw_(static_cast<std::size_t>(shape.layers)),
      used_(raw_.size()),
      sum_({shape.width, columns}, device),
      d_source_({shape.width, columns}, device),
      carry_({shape.width, columns}, device) {
  for (std::size_t layer = 1; layer < used_.size(); ++layer)
    used_[layer] = Array<Real>({shape.width, columns}, device);
}

template <class Real>
View<const Real> ResidualStream<Real>::source(Index layer) {
  if (shape_.source == StreamSource::previous) return raw_[static_cast<std::size_t>(layer - 1)];
  if (shape_.source == StreamSource::first) return raw_.front();
  const View<Real> sum = View<Real>(sum_).middle_columns(0, raw_.front().columns);
  axpby<Real>(Real{1}, raw_.front(), Real{0}, sum);
  for (Index below = 1; below < layer; ++below)
    axpby<Real>(Real{1}, raw_[static_cast<std::size_t>(below)], Real{1}, sum);
  return sum;
}

template <class Real>
View<const Real> ResidualStream<Real>::forward(const Tensors<const Real>& weights, Index layer,
                                               View<const Real> raw) {
  raw_[static_cast<std::size_t>(layer)] = raw;
  if (layer == 0) return raw;
  const MixFactors f = factors(shape_, layer);
  const View<const Real> from = source(layer);
  const View<Real> used = View<Real>(used_[static_cast<std::size_t>(layer)]).middle_columns(0, raw.columns);
  axpby<Real>(static_cast<Real>(f.own), raw, Real{0}, used);
  if (!shape_.has_learned_mix()) {
    axpby<Real>(static_cast<Real>(f.stream), from, Real{1}, used);
    return used;
  }
  const auto mix = mix_of(weights, layer);
  const Index rows = shape_.width / mix.first.rows;
  for (Index h = 0; h < mix.first.rows; ++h) {
    compute::add_scaled_blocks<Real>(of_head(mix, h), from.middle_rows(h * rows, rows),
                                     used.middle_rows(h * rows, rows));
  }
  return used;
}

template <class Real>
void ResidualStream<Real>::backward(const Tensors<const Real>& weights, Index layer, View<Real> d,
                                    const Tensors<Real>& gradient) {
  const View<Real> carry = View<Real>(carry_).middle_columns(0, d.columns);
  if (layer == shape_.layers - 1) compute::fill<Real>(Real{0}, carry);
  if (layer == 0) {
    axpby<Real>(Real{1}, carry, Real{1}, d);
    return;
  }
  const MixFactors f = factors(shape_, layer);
  const View<Real> d_source = View<Real>(d_source_).middle_columns(0, d.columns);
  if (shape_.has_learned_mix()) {
    const View<const Real> from = source(layer);
    const auto mix = mix_of(weights, layer);
    const auto d_mix = mix_of(gradient, layer);
    const Index rows = shape_.width / mix.first.rows;
    for (Index h = 0; h < mix.first.rows; ++h) {
      compute::add_scaled_blocks_backward<Real>(of_head(mix, h), from.middle_rows(h * rows, rows),
                                                d.middle_rows(h * rows, rows),
                                                d_source.middle_rows(h * rows, rows), of_head(d_mix, h));
    }
  } else {
    axpby<Real>(static_cast<Real>(f.stream), d, Real{0}, d_source);
  }
  // What later layers took of this one's raw projection has been carried down to here.
  const bool is_source = shape_.source != StreamSource::first;
  axpby<Real>(is_source ? Real{1} : Real{0}, carry, static_cast<Real>(f.own), d);
  axpby<Real>(Real{1}, d_source, shape_.source == StreamSource::previous ? Real{0} : Real{1}, carry);
}

template class ResidualStream<float>;
template class ResidualStream<double>;

}  // namespace ecphory::attention
