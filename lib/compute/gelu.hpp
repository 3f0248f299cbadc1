#pragma once
// The Gaussian error linear unit (Hendrycks & Gimpel 2016, arXiv 1606.08415) in its exact form, with erf.

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// y ← x Φ(x), with the normal distribution Φ(x) = ½ erfc(−x/√2) (normal.hpp). x and y have one shape on one
/// device and may be the same.
template <class Real>
void gelu(View<const Real> x, std::type_identity_t<View<Real>> y);

/// dx ← dy ∘ (Φ(x) + x φ(x)), with the normal density φ. dx may be dy.
template <class Real>
void gelu_backward(View<const Real> x, std::type_identity_t<View<const Real>> dy,
                   std::type_identity_t<View<Real>> dx);

extern template void gelu<float>(View<const float>, View<float>);
extern template void gelu<double>(View<const double>, View<double>);
extern template void gelu_backward<float>(View<const float>, View<const float>, View<float>);
extern template void gelu_backward<double>(View<const double>, View<const double>, View<double>);

}  // namespace ecphory::compute
