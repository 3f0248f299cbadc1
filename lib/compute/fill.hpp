#pragma once
// One value everywhere.

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// y ← value.
template <class Real>
void fill(Real value, std::type_identity_t<View<Real>> y);

extern template void fill<float>(float, View<float>);
extern template void fill<double>(double, View<double>);

}  // namespace ecphory::compute
