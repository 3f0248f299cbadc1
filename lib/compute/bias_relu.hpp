#pragma once
// y = relu(x + b) with one bias b for all neurons.

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// y ← max(x + bias, 0), NaN for NaN; x and y have one shape on the CPU and may be the same.
template <class Real>
void bias_relu(Real bias, std::type_identity_t<View<const Real>> x, std::type_identity_t<View<Real>> y);

/// dx ← dy where y > 0, else 0, from the result y; gives Σ dx, the gradient of the bias. dx may be dy.
template <class Real>
Real bias_relu_backward(std::type_identity_t<View<const Real>> y, std::type_identity_t<View<const Real>> dy,
                        View<Real> dx);

extern template void bias_relu<float>(float, View<const float>, View<float>);
extern template void bias_relu<double>(double, View<const double>, View<double>);
extern template float bias_relu_backward<float>(View<const float>, View<const float>, View<float>);
extern template double bias_relu_backward<double>(View<const double>, View<const double>, View<double>);

}  // namespace ecphory::compute
