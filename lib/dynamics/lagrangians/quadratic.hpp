#pragma once
// L(x) = ½ Σ x²,  g = x,  ∇²L = 1. The identity: leaky integration without a threshold.

#include <string_view>

#include "ecphory/compute/view.hpp"

namespace ecphory::dynamics {

struct Quadratic {
  static constexpr std::string_view kName = "quadratic";
  static constexpr std::string_view kNullDirection = "";
  static constexpr bool kBoundedOutput = false;
  static constexpr bool kElementwise = true;
  static bool convex() { return true; }

  void validate() const {}

  template <class Real>
  void value(compute::View<const Real> x, compute::View<Real> l) const {
    l.matrix() = Real{0.5} * x.matrix().colwise().squaredNorm();
  }
  template <class Real>
  void gradient(compute::View<const Real> x, compute::View<Real> g) const {
    g.matrix() = x.matrix();
  }
  template <class Real>
  void hessian_times(compute::View<const Real>, compute::View<const Real> u, compute::View<Real> hu) const {
    hu.matrix() = u.matrix();
  }
};

}  // namespace ecphory::dynamics
