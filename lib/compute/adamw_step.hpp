#pragma once
// One element's step of AdamW, for the CPU's loop and the GPU's.

#include <cmath>

#include "ecphory/base/host_device.hpp"
#include "ecphory/compute/adamw.hpp"

namespace ecphory::compute {

/// What is the same for all elements.
template <class Real>
struct AdamWStep {
  Real beta1, beta2;
  Real fresh1, fresh2;  ///< 1 − β
  Real first;           ///< rate / (1 − β₁^step)
  Real second;          ///< 1 / (1 − β₂^step)
  Real epsilon;
  Real kept;  ///< of a weight, after decay

  // Not 1 − Real(β): in single precision that would be off by 2e-5 of itself for β₂ = 0.999.
  AdamWStep(const AdamW& s, std::uint64_t step)
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

}  // namespace ecphory::compute
