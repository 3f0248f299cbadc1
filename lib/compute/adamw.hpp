#pragma once
// A step of Adam with decoupled weight decay.

#include <cstdint>

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

struct AdamW {
  double rate = 1e-3;
  double beta1 = 0.9;     ///< memory of the first moment
  double beta2 = 0.999;   ///< and of the second
  double epsilon = 1e-8;  ///< added to the root of the second
  double decay = 0.01;    ///< times the rate
};

/// Step number `step` (the first is 1) of Loshchilov & Hutter (2019, arXiv 1711.05101, algorithm 2):
///     m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²
///     w ← w − rate · (m / (1 − β₁^step) / (√(v / (1 − β₂^step)) + ε) + decay · w)
/// Moments m and v begin at 0. One shape, on one device.
template <class Real>
void adamw(const AdamW& settings, std::uint64_t step, std::type_identity_t<View<const Real>> gradient,
           View<Real> m, std::type_identity_t<View<Real>> v, std::type_identity_t<View<Real>> w);

extern template void adamw<float>(const AdamW&, std::uint64_t, View<const float>, View<float>, View<float>,
                                  View<float>);
extern template void adamw<double>(const AdamW&, std::uint64_t, View<const double>, View<double>,
                                   View<double>, View<double>);

}  // namespace ecphory::compute
