#pragma once
// The residual stream between the attention heads of layers: one of a layer's projections also gets that of
// layers below, used = own · raw + stream · source (shape.hpp). The source is raw: it has no stream of its
// own.

#include <vector>

#include "ecphory/attention/shape.hpp"
#include "ecphory/compute/array.hpp"

namespace ecphory::attention {

template <class Real>
class ResidualStream {
 public:
  /// Of a shape that has a stream, for up to that many columns.
  ResidualStream(const StackShape& shape, Index columns, compute::Device device);

  /// From the first layer to the last: what `layer` uses in the place of its streamed projection `raw` (W,
  /// columns), whose memory must stay until the next pass.
  compute::View<const Real> forward(const compute::Tensors<const Real>& weights, Index layer,
                                    compute::View<const Real> raw);

  /// From the last layer to the first: d holds the gradient of what was used, and that of `raw`, by way of
  /// the layers above too, when this returns. Adds that of the weights to `gradient`.
  void backward(const compute::Tensors<const Real>& weights, Index layer, compute::View<Real> d,
                const compute::Tensors<Real>& gradient);

 private:
  compute::View<const Real> source(Index layer);

  StackShape shape_;
  std::vector<compute::View<const Real>> raw_;  ///< of each layer
  std::vector<compute::Array<Real>> used_;      ///< of each layer; empty in the first
  compute::Array<Real> sum_;                    ///< of the layers below
  compute::Array<Real> d_source_;
  compute::Array<Real> carry_;  ///< gradient of the raw projections below
};

extern template class ResidualStream<float>;
extern template class ResidualStream<double>;

}  // namespace ecphory::attention
