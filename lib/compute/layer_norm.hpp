#pragma once
// Layer normalisation (Ba, Kiros & Hinton 2016, arXiv 1607.06450): every column to mean 0 and variance 1,
// then a gain and a shift of each row.

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// y(:, j) ← gain ∘ (x(:, j) − μ_j) r_j + shift, with the mean μ_j of column j and r_j = 1/√(variance +
/// epsilon), the variance being over all rows, not one less. x and y are (rows, columns) and may be the same;
/// gain and shift are (rows, 1); statistics (2, columns) ← μ and r. All on one device. epsilon ≥ 0, else Bug.
template <class Real>
void layer_norm(Real epsilon, std::type_identity_t<View<const Real>> x,
                std::type_identity_t<View<const Real>> gain, std::type_identity_t<View<const Real>> shift,
                std::type_identity_t<View<Real>> y, std::type_identity_t<View<Real>> statistics);

/// With x̂ = (x − μ) r and g = gain ∘ dy, column by column:
///     dx ← r (g − mean(g) − x̂ mean(g ∘ x̂)),  dgain += dy ∘ x̂,  dshift += dy
/// from x, gain and statistics as forward had and left them. dx may be dy.
template <class Real>
void layer_norm_backward(View<const Real> x, std::type_identity_t<View<const Real>> gain,
                         std::type_identity_t<View<const Real>> statistics,
                         std::type_identity_t<View<const Real>> dy, std::type_identity_t<View<Real>> dx,
                         std::type_identity_t<View<Real>> dgain, std::type_identity_t<View<Real>> dshift);

extern template void layer_norm<float>(float, View<const float>, View<const float>, View<const float>,
                                       View<float>, View<float>);
extern template void layer_norm<double>(double, View<const double>, View<const double>, View<const double>,
                                        View<double>, View<double>);
extern template void layer_norm_backward<float>(View<const float>, View<const float>, View<const float>,
                                                View<const float>, View<float>, View<float>, View<float>);
extern template void layer_norm_backward<double>(View<const double>, View<const double>, View<const double>,
                                                 View<const double>, View<double>, View<double>,
                                                 View<double>);

}  // namespace ecphory::compute
