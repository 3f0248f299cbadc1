#pragma once
// L(x) = Σ xⁿ/n,  g = xⁿ⁻¹,  ∇²L = diag((n−1) xⁿ⁻²). The polynomial separation without rectification (Krotov
// & Hopfield 2016; Chaudhry et al. 2023). Convex for even n; for odd n only an instantaneous layer may have
// it where the energy shall not rise.

#include <string_view>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/view.hpp"

namespace ecphory::dynamics {

struct Power {
  int degree = 2;  ///< n ≥ 2

  static constexpr std::string_view kName = "power";
  static constexpr std::string_view kNullDirection = "every neuron at 0";
  static constexpr bool kBoundedOutput = false;
  static constexpr bool kElementwise = true;
  bool convex() const { return degree % 2 == 0; }

  void validate() const {
    if (degree >= 2) return;
    throw base::UserError({.key = "degree",
                           .problem = std::to_string(degree) + " is not allowed",
                           .expected = "a whole number >= 2",
                           .remedy = "2 is the identity"});
  }

  template <class Real>
  void value(compute::View<const Real> x, compute::View<Real> l) const {
    for (compute::Index j = 0; j < x.columns; ++j) {
      Real sum = 0;
      for (compute::Index i = 0; i < x.rows; ++i) sum += power(x.column(j)[i], degree);
      *l.column(j) = sum / static_cast<Real>(degree);
    }
  }
  template <class Real>
  void gradient(compute::View<const Real> x, compute::View<Real> g) const {
    for (compute::Index j = 0; j < x.columns; ++j) {
      for (compute::Index i = 0; i < x.rows; ++i) g.column(j)[i] = power(x.column(j)[i], degree - 1);
    }
  }
  template <class Real>
  void hessian_times(compute::View<const Real> x, compute::View<const Real> u, compute::View<Real> hu) const {
    for (compute::Index j = 0; j < x.columns; ++j) {
      for (compute::Index i = 0; i < x.rows; ++i) {
        hu.column(j)[i] = static_cast<Real>(degree - 1) * power(x.column(j)[i], degree - 2) * u.column(j)[i];
      }
    }
  }

 private:
  template <class Real>
  static Real power(Real x, int k) {
    Real result = 1;
    for (int i = 0; i < k; ++i) result *= x;
    return result;
  }
};

}  // namespace ecphory::dynamics
