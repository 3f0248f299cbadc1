#pragma once
// A step of stochastic gradient descent.

#include "ecphory/base/host_device.hpp"
#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// One element's step: w ← (1 − decay) w − rate · g. The decay is decoupled, per step and not times the rate,
/// as in the released code of Reddy (2024, arXiv 2312.03002).
template <class Real>
struct SgdStep {
  Real rate = 0;
  Real decay = 0;

  ECPHORY_HOST_DEVICE void operator()(Real g, Real& w) const { w = (1 - decay) * w - rate * g; }
};

/// Takes it with every column of w, steps(j) for column j: weights of models side by side. `steps` is (1,
/// columns); all on one device.
template <class Real>
void sgd(std::type_identity_t<View<const SgdStep<Real>>> steps,
         std::type_identity_t<View<const Real>> gradient, View<Real> w);

extern template void sgd<float>(View<const SgdStep<float>>, View<const float>, View<float>);
extern template void sgd<double>(View<const SgdStep<double>>, View<const double>, View<double>);

}  // namespace ecphory::compute
