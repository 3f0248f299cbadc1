#pragma once
// Softmax over the past: what a causal attention head does to its scores.

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// Column i of each block of T columns: p(0 … i) ← softmax(beta · s(0 … i)), and 0 below. Rows are keys,
/// columns queries; s and p are (T, T · blocks), on one device, and may be the same. beta ≥ 0 and finite,
/// else Bug.
template <class Real>
void causal_softmax(Real beta, std::type_identity_t<View<const Real>> s, std::type_identity_t<View<Real>> p);

/// ds = beta · p ∘ (dp − Σ p dp), column by column: the gradient of the scores from p and that of p. All are
/// (T, T · blocks); ds may be dp.
template <class Real>
void causal_softmax_backward(Real beta, std::type_identity_t<View<const Real>> p,
                             std::type_identity_t<View<const Real>> dp, std::type_identity_t<View<Real>> ds);

extern template void causal_softmax<float>(float, View<const float>, View<float>);
extern template void causal_softmax<double>(double, View<const double>, View<double>);
extern template void causal_softmax_backward<float>(float, View<const float>, View<const float>, View<float>);
extern template void causal_softmax_backward<double>(double, View<const double>, View<const double>,
                                                     View<double>);

}  // namespace ecphory::compute
