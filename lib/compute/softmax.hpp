#pragma once
// Softmax and log-sum-exp over columns.

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// p(:, j) ← softmax(beta · x(:, j)) for every column j; x and p have one shape and device, and may be the
/// same array. Each column's maximum is subtracted first, so beta·x of any finite size is safe. beta ≥ 0 and
/// finite, else Bug.
template <class Real>
void softmax(Real beta, std::type_identity_t<View<const Real>> x, std::type_identity_t<View<Real>> p);

/// l(j) ← beta⁻¹ log Σᵢ exp(beta · x(i, j)), the Lagrangian of model B of Krotov & Hopfield (2021, eq. 14); l
/// is (1, columns of x), on the device of x. beta > 0 and finite, else Bug.
template <class Real>
void log_sum_exp(Real beta, std::type_identity_t<View<const Real>> x, std::type_identity_t<View<Real>> l);

extern template void softmax<float>(float, View<const float>, View<float>);
extern template void softmax<double>(double, View<const double>, View<double>);
extern template void log_sum_exp<float>(float, View<const float>, View<float>);
extern template void log_sum_exp<double>(double, View<const double>, View<double>);

}  // namespace ecphory::compute
