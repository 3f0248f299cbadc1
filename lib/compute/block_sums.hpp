#pragma once
// Sums over the columns of blocks.

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// sums(i, b) ← scale · Σ_j x(i, j) over the columns j of block b, in double precision. `sums` has a column
/// for each of as many blocks of equal width. On one device.
template <class Real>
void block_sums(double scale, std::type_identity_t<View<const Real>> x, View<double> sums);

extern template void block_sums<float>(double, View<const float>, View<double>);
extern template void block_sums<double>(double, View<const double>, View<double>);

}  // namespace ecphory::compute
