#pragma once
// L(x) = Σ |x|,  g = sgn(x) with sgn(0) = 1,  ∇²L = 0 but at the jump. Binary neurons (Hopfield 1982), the
// limit of tanh(κx) for infinite κ.

#include <string_view>

#include "ecphory/compute/view.hpp"

namespace ecphory::dynamics {

struct Sign {
  static constexpr std::string_view kName = "sign";
  static constexpr std::string_view kNullDirection =
      "every direction, the output being constant but at its jumps";
  static constexpr bool kBoundedOutput = true;

  void validate() const {}

  template <class Real>
  void value(compute::View<const Real> x, compute::View<Real> l) const {
    l.matrix() = x.matrix().cwiseAbs().colwise().sum();
  }
  template <class Real>
  void gradient(compute::View<const Real> x, compute::View<Real> g) const {
    for (compute::Index j = 0; j < x.columns; ++j) {
      for (compute::Index i = 0; i < x.rows; ++i) g.column(j)[i] = x.column(j)[i] >= 0 ? Real{1} : Real{-1};
    }
  }
  template <class Real>
  void hessian_times(compute::View<const Real>, compute::View<const Real>, compute::View<Real> hu) const {
    hu.matrix().setZero();
  }
};

}  // namespace ecphory::dynamics
