#pragma once
// y = relu(x + b) with one bias b for all neurons of a network, for networks side by side.

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// y ← max(x + b, 0), NaN for NaN. `bias` (1, blocks) has one b for each of as many blocks of columns of
/// equal width; an empty view is none. x and y have one shape and may be the same. All on one device.
template <class Real>
void bias_relu(std::type_identity_t<View<const Real>> bias, std::type_identity_t<View<const Real>> x,
               View<Real> y);

/// dx ← dy where y > 0, else 0, from the result y; dbias(b) += Σ dx over block b, unless it is empty. dx may
/// be dy.
template <class Real>
void bias_relu_backward(std::type_identity_t<View<const Real>> y, std::type_identity_t<View<const Real>> dy,
                        View<Real> dx, std::type_identity_t<View<Real>> dbias);

extern template void bias_relu<float>(View<const float>, View<const float>, View<float>);
extern template void bias_relu<double>(View<const double>, View<const double>, View<double>);
extern template void bias_relu_backward<float>(View<const float>, View<const float>, View<float>,
                                               View<float>);
extern template void bias_relu_backward<double>(View<const double>, View<const double>, View<double>,
                                                View<double>);

}  // namespace ecphory::compute
