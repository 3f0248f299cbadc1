#pragma once
// A step of stochastic gradient descent.

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// w ← (1 − decay) w − rate · gradient. The decay is decoupled, per step and not times the rate, as in the
/// released code of Reddy (2024, arXiv 2312.03002). One shape, on one device.
template <class Real>
void sgd(Real rate, Real decay, std::type_identity_t<View<const Real>> gradient, View<Real> w);

extern template void sgd<float>(float, float, View<const float>, View<float>);
extern template void sgd<double>(double, double, View<const double>, View<double>);

}  // namespace ecphory::compute
