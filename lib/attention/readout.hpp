#pragma once
// From a sequence's last token to the logits of its label: layers x ← relu(W x + b) with one bias a layer,
// and a linear map (Reddy 2024, arXiv 2312.03002).

#include <vector>

#include "ecphory/compute/array.hpp"
#include "ecphory/compute/tensors.hpp"

namespace ecphory::attention {

using compute::Index;

struct ReadoutShape {
  Index width = 0;
  Index labels = 0;
  Index layers = 3;
};

/// Appends `mlp1.weight` (width, width), `mlp1.bias` (1, 1), … and `readout.weight` (labels, width).
void add_weights(const ReadoutShape& shape, compute::TensorLayout& layout);

/// The read-outs of networks of one shape side by side, with memory on a device for the activations of up to
/// a number of sequences, one column each. Those of a network stand together, as many for each.
template <class Real>
class Readout {
 public:
  Readout(const ReadoutShape& shape, Index sequences, compute::Device device = compute::kCpu);

  /// Logits (labels, sequences) of tokens `last` (width, sequences), both valid until the next call.
  compute::View<Real> forward(const compute::Tensors<const Real>& weights, compute::View<const Real> last);

  /// After forward() with the same weights: adds to `gradient`, and gives the gradient of `last`.
  compute::View<const Real> backward(const compute::Tensors<const Real>& weights,
                                     compute::View<const Real> d_logits,
                                     const compute::Tensors<Real>& gradient);

 private:
  ReadoutShape shape_;
  std::vector<compute::Array<Real>> x_;  ///< input of every layer, and of the linear map
  compute::Array<Real> logits_;
  compute::Array<Real> d_;      ///< gradient of a layer's output (width, sequences)
  compute::Array<Real> below_;  ///< and of its input
};

extern template class Readout<float>;
extern template class Readout<double>;

}  // namespace ecphory::attention
