#pragma once
// L(x) = ‖x‖,  g = x/‖x‖,  ∇²L = (1 − g gᵀ)/‖x‖: divisive normalisation. Model C of Krotov & Hopfield (2021).
// At x = 0, where it has a corner, g and ∇²L are taken as 0.

#include <string_view>

#include "ecphory/compute/view.hpp"

namespace ecphory::dynamics {

struct Spherical {
  static constexpr std::string_view kName = "spherical";
  static constexpr std::string_view kNullDirection = "the state itself";
  static constexpr bool kBoundedOutput = true;
  static constexpr bool kElementwise = false;
  static bool convex() { return true; }

  void validate() const {}

  template <class Real>
  void value(compute::View<const Real> x, compute::View<Real> l) const {
    l.matrix() = x.matrix().colwise().norm();
  }
  template <class Real>
  void gradient(compute::View<const Real> x, compute::View<Real> g) const {
    for (compute::Index j = 0; j < x.columns; ++j) {
      g.matrix().col(j) = x.matrix().col(j) * inverse_length(x, j);
    }
  }
  template <class Real>
  void hessian_times(compute::View<const Real> x, compute::View<const Real> u, compute::View<Real> hu) const {
    for (compute::Index j = 0; j < x.columns; ++j) {
      const Real inverse = inverse_length(x, j);
      const auto state = x.matrix().col(j);
      const Real along = state.dot(u.matrix().col(j)) * inverse * inverse;
      hu.matrix().col(j) = inverse * (u.matrix().col(j) - along * state);
    }
  }

 private:
  template <class Real>
  static Real inverse_length(compute::View<const Real> x, compute::Index j) {
    const Real length = x.matrix().col(j).norm();
    return length == 0 ? Real{0} : 1 / length;
  }
};

}  // namespace ecphory::dynamics
