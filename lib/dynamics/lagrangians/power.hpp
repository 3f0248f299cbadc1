#pragma once
// Polynomial separations (Krotov & Hopfield 2016, arXiv 1606.01164; 2021, model A; Chaudhry et al. 2023):
//     rectified   L(x) = Σ relu(x)ⁿ / n,  g = relu(x)ⁿ⁻¹,  ∇²L = diag((n−1) relu(x)ⁿ⁻²)
//     plain       L(x) = Σ xⁿ / n,        g = xⁿ⁻¹,        ∇²L = diag((n−1) xⁿ⁻²)
// A plain power is convex for even n; one of odd n suits an instantaneous layer where the energy shall not
// rise.

#include <string_view>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/view.hpp"

namespace ecphory::dynamics {

template <bool kRectified>
struct PowerLagrangian {
  int degree = kRectified ? 3 : 2;  ///< n ≥ 2

  static constexpr std::string_view kName = kRectified ? "rectified power" : "power";
  static constexpr std::string_view kNullDirection =
      kRectified ? "every neuron below its threshold" : "every neuron at 0";
  static constexpr bool kBoundedOutput = false;
  static constexpr bool kElementwise = true;
  bool convex() const { return kRectified || degree % 2 == 0; }

  void validate() const {
    if (degree >= 2) return;
    throw base::UserError({.key = "degree",
                           .problem = std::to_string(degree) + " is not allowed",
                           .expected = "a whole number >= 2",
                           .remedy = kRectified ? "2 is the rectified linear unit" : "2 is the identity"});
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
        const bool silent = kRectified && !(x.column(j)[i] > 0);
        const Real slope = silent ? Real{0} : power(x.column(j)[i], degree - 2);
        hu.column(j)[i] = static_cast<Real>(degree - 1) * slope * u.column(j)[i];
      }
    }
  }

 private:
  /// relu(x)ᵏ or xᵏ, with 0⁰ = 1.
  template <class Real>
  static Real power(Real x, int k) {
    const Real base = kRectified && !(x > 0) ? Real{0} : x;
    Real result = 1;
    for (int i = 0; i < k; ++i) result *= base;
    return result;
  }
};

using RectifiedPower = PowerLagrangian<true>;
using Power = PowerLagrangian<false>;

}  // namespace ecphory::dynamics
