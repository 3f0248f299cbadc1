#pragma once
// Blocks of columns, each times a number of its own that is learned.

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// y ← y + f_b · x for the columns of each block b. `factors` (1, blocks) has one number for each of as many
/// blocks of equal width. All on one device.
template <class Real>
void add_scaled_blocks(std::type_identity_t<View<const Real>> factors,
                       std::type_identity_t<View<const Real>> x, View<Real> y);

/// From the gradient dy: dx ← f_b · dy, and dfactors(b) += Σ x ∘ dy over block b. dx may be dy.
template <class Real>
void add_scaled_blocks_backward(std::type_identity_t<View<const Real>> factors,
                                std::type_identity_t<View<const Real>> x,
                                std::type_identity_t<View<const Real>> dy, View<Real> dx,
                                std::type_identity_t<View<Real>> dfactors);

extern template void add_scaled_blocks<float>(View<const float>, View<const float>, View<float>);
extern template void add_scaled_blocks<double>(View<const double>, View<const double>, View<double>);
extern template void add_scaled_blocks_backward<float>(View<const float>, View<const float>,
                                                       View<const float>, View<float>, View<float>);
extern template void add_scaled_blocks_backward<double>(View<const double>, View<const double>,
                                                        View<const double>, View<double>, View<double>);

}  // namespace ecphory::compute
