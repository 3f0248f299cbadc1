#pragma once
// L(x) = κ⁻¹ Σ log cosh(κx),  g = tanh(κx),  ∇²L = diag(κ (1 − g²)). Graded neurons with rates between −1 and
// 1 (Hopfield 1984).

#include <cmath>
#include <numbers>
#include <string_view>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/view.hpp"

namespace ecphory::dynamics {

struct Tanh {
  double gain = 1;  ///< κ > 0

  static constexpr std::string_view kName = "tanh";
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
    const auto size = (static_cast<Real>(gain) * x.matrix().array()).abs();
    l.matrix() = ((size + (Real{-2} * size).exp().log1p() - std::numbers::ln2_v<Real>).colwise().sum() /
                  static_cast<Real>(gain))
                     .matrix();
  }
  template <class Real>
  void gradient(compute::View<const Real> x, compute::View<Real> g) const {
    g.matrix() = (static_cast<Real>(gain) * x.matrix().array()).tanh().matrix();
  }
  template <class Real>
  void hessian_times(compute::View<const Real> x, compute::View<const Real> u, compute::View<Real> hu) const {
    const auto k = static_cast<Real>(gain);
    hu.matrix() = (k * (1 - (k * x.matrix().array()).tanh().square()) * u.matrix().array()).matrix();
  }
};

}  // namespace ecphory::dynamics
