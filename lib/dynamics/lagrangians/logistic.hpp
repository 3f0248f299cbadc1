#pragma once
// L(x) = κ⁻¹ Σ log(1 + exp(κx)),  g = 1/(1 + exp(−κx)),  ∇²L = diag(κ g (1 − g)). Graded neurons with rates
// between 0 and 1.

#include <cmath>
#include <string_view>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/view.hpp"

namespace ecphory::dynamics {

struct Logistic {
  double gain = 1;  ///< κ > 0

  static constexpr std::string_view kName = "logistic";
  static constexpr std::string_view kNullDirection = "";
  static constexpr bool kBoundedOutput = true;
  static constexpr bool kElementwise = true;
  static bool convex() { return true; }

  void validate() const {
    if (gain > 0 && std::isfinite(gain)) return;
    throw base::UserError({.key = "gain",
                           .problem = std::to_string(gain) + " is not allowed",
                           .expected = "a finite number > 0"});
  }

  template <class Real>
  void value(compute::View<const Real> x, compute::View<Real> l) const {
    const auto y = static_cast<Real>(gain) * x.matrix().array();
    l.matrix() =
        ((y.max(Real{0}) + (-y.abs()).exp().log1p()).colwise().sum() / static_cast<Real>(gain)).matrix();
  }
  template <class Real>
  void gradient(compute::View<const Real> x, compute::View<Real> g) const {
    // ½ (1 + tanh(y/2)) neither overflows nor loses the sign.
    g.matrix() =
        (Real{0.5} + Real{0.5} * (static_cast<Real>(0.5 * gain) * x.matrix().array()).tanh()).matrix();
  }
  template <class Real>
  void hessian_times(compute::View<const Real> x, compute::View<const Real> u, compute::View<Real> hu) const {
    const auto t = (static_cast<Real>(0.5 * gain) * x.matrix().array()).tanh();
    hu.matrix() = (static_cast<Real>(0.25 * gain) * (1 - t.square()) * u.matrix().array()).matrix();
  }
};

}  // namespace ecphory::dynamics
