#pragma once
// Sums of two matrices.

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// y ← alpha · x + beta · y. One shape, on one device; x may be y. With beta = 0, y need not be initialised.
template <class Real>
void axpby(Real alpha, std::type_identity_t<View<const Real>> x, Real beta,
           std::type_identity_t<View<Real>> y);

extern template void axpby<float>(float, View<const float>, float, View<float>);
extern template void axpby<double>(double, View<const double>, double, View<double>);

}  // namespace ecphory::compute
