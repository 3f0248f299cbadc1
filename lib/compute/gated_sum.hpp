#pragma once
// What a gated layer does: each row keeps a part of what it was and takes a part of what it gets.

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// x(i, j) ← keep(i) · x(i, j) + gate(i) · y(i, j). keep and gate are (rows of x, 1), y has the shape of x,
/// all on one device.
template <class Real>
void gated_sum(std::type_identity_t<View<const Real>> keep, std::type_identity_t<View<const Real>> gate,
               std::type_identity_t<View<const Real>> y, View<Real> x);

extern template void gated_sum<float>(View<const float>, View<const float>, View<const float>, View<float>);
extern template void gated_sum<double>(View<const double>, View<const double>, View<const double>,
                                       View<double>);

}  // namespace ecphory::compute
