#pragma once
// Cross-entropy of a softmax with the answer's label, and its gradient.

#include <cstdint>

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// losses(j) ← −log softmax(logits(:, j))[labels[j]]. logits is (labels, sequences), labels and losses
/// (1, sequences), all on one device. A label outside 0 … rows − 1 is a Bug; on a GPU, where nobody waits to
/// look, it makes its loss NaN.
template <class Real>
void cross_entropy(std::type_identity_t<View<const Real>> logits, View<const std::int32_t> labels,
                   View<Real> losses);

/// d(:, j) ← scale · (softmax(logits(:, j)) − onehot(labels[j])): the gradient of scale · Σ losses. d may be
/// logits.
template <class Real>
void cross_entropy_backward(Real scale, std::type_identity_t<View<const Real>> logits,
                            View<const std::int32_t> labels, std::type_identity_t<View<Real>> d);

extern template void cross_entropy<float>(View<const float>, View<const std::int32_t>, View<float>);
extern template void cross_entropy<double>(View<const double>, View<const std::int32_t>, View<double>);
extern template void cross_entropy_backward<float>(float, View<const float>, View<const std::int32_t>,
                                                   View<float>);
extern template void cross_entropy_backward<double>(double, View<const double>, View<const std::int32_t>,
                                                    View<double>);

}  // namespace ecphory::compute
