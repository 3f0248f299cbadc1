#pragma once
// A step of Adam with decoupled weight decay.

#include <cmath>
#include <cstdint>

#include "ecphory/base/host_device.hpp"
#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

struct AdamW {
  double rate = 1e-3;
  double beta1 = 0.9;     ///< memory of the first moment
  double beta2 = 0.999;   ///< and of the second
  double epsilon = 1e-8;  ///< added to the root of the second
  double decay = 0.01;    ///< times the rate
};

/// One element's step number `step` (the first is 1) of Loshchilov & Hutter (2019, arXiv 1711.05101,
/// algorithm 2):
///     m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²
///     w ← w − rate · (m / (1 − β₁^step) / (√(v / (1 − β₂^step)) + ε) + decay · w)
/// Moments m and v begin at 0.
template <class Real>
struct AdamWStep {
  Real beta1, beta2;
  Real fresh1, fresh2;  ///< 1 − β
  Real first;           ///< rate / (1 − β₁^step)
  Real second;          ///< 1 / (1 − β₂^step)
  Real epsilon;
  Real kept;  ///< of a weight, after decay

  // Not 1 − Real(β): in single precision that would be off by 2e-5 of itself for β₂ = 0.999.
  ECPHORY_HOST_DEVICE AdamWStep(const AdamW& s, std::uint64_t step)
      : beta1(static_cast<Real>(s.beta1)),
        beta2(static_cast<Real>(s.beta2)),
        fresh1(static_cast<Real>(1 - s.beta1)),
        fresh2(static_cast<Real>(1 - s.beta2)),
        first(static_cast<Real>(s.rate / (1 - std::pow(s.beta1, static_cast<double>(step))))),
        second(static_cast<Real>(1 / (1 - std::pow(s.beta2, static_cast<double>(step))))),
        epsilon(static_cast<Real>(s.epsilon)),
        kept(static_cast<Real>(1 - s.rate * s.decay)) {}

  ECPHORY_HOST_DEVICE void operator()(Real g, Real& m, Real& v, Real& w) const {
    m = beta1 * m + fresh1 * g;
    v = beta2 * v + fresh2 * g * g;
    w = kept * w - first * m / (std::sqrt(second * v) + epsilon);
  }
};

/// Takes it with every column of w, steps(j) for column j: weights of models side by side. `steps` is (1,
/// columns), moments have w's shape; all on one device.
template <class Real>
void adamw(std::type_identity_t<View<const AdamWStep<Real>>> steps,
           std::type_identity_t<View<const Real>> gradient, View<Real> m, std::type_identity_t<View<Real>> v,
           std::type_identity_t<View<Real>> w);

extern template void adamw<float>(View<const AdamWStep<float>>, View<const float>, View<float>, View<float>,
                                  View<float>);
extern template void adamw<double>(View<const AdamWStep<double>>, View<const double>, View<double>,
                                   View<double>, View<double>);

}  // namespace ecphory::compute
