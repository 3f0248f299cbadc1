#pragma once
// Cross-entropy of a softmax with the answer's label, and its gradient.

#include <cstdint>
#include <span>

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// losses(j) ← −log softmax(logits(:, j))[labels[j]]. logits is (labels, sequences), losses (1, sequences),
/// on the CPU. A label outside 0 … rows − 1 is a Bug.
template <class Real>
void cross_entropy(std::type_identity_t<View<const Real>> logits, std::span<const std::int32_t> labels,
                   View<Real> losses);

/// d(:, j) ← scale · (softmax(logits(:, j)) − onehot(labels[j])): the gradient of scale · Σ losses. d may be
/// logits.
template <class Real>
void cross_entropy_backward(Real scale, std::type_identity_t<View<const Real>> logits,
                            std::span<const std::int32_t> labels, std::type_identity_t<View<Real>> d);

extern template void cross_entropy<float>(View<const float>, std::span<const std::int32_t>, View<float>);
extern template void cross_entropy<double>(View<const double>, std::span<const std::int32_t>, View<double>);
extern template void cross_entropy_backward<float>(float, View<const float>, std::span<const std::int32_t>,
                                                   View<float>);
extern template void cross_entropy_backward<double>(double, View<const double>, std::span<const std::int32_t>,
                                                    View<double>);

}  // namespace ecphory::compute
