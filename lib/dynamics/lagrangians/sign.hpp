#pragma once
// L(x) = Σ |x|,  g = sgn(x) with sgn(0) = 1,  ∇²L = 0. Binary neurons (Hopfield 1982), the limit of tanh for
// an infinite gain.

#include <string_view>

#include "ecphory/compute/view.hpp"

namespace ecphory::dynamics {

struct Sign {
  static constexpr std::string_view kName = "sign";
  static constexpr std::string_view kNullDirection = "every direction: the output is piecewise constant";
  static constexpr bool kBoundedOutput = true;
  static constexpr bool kElementwise = true;
  static bool convex() { return true; }

  void validate() const {}

  template <class Real>
  void value(compute::View<const Real> x, compute::View<Real> l) const {
    l.matrix() = x.matrix().cwiseAbs().colwise().sum();
  }
  template <class Real>
  void gradient(compute::View<const Real> x, compute::View<Real> g) const {
    g.matrix() = x.matrix().unaryExpr([](Real xi) {
      return xi >= 0 ? Real{1} : xi < 0 ? Real{-1} : xi;  // NaN stays NaN
    });
  }
  template <class Real>
  void hessian_times(compute::View<const Real>, compute::View<const Real>, compute::View<Real> hu) const {
    hu.matrix().setZero();
  }
};

}  // namespace ecphory::dynamics
