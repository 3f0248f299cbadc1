#pragma once
// L(x) = Σ relu(x)ⁿ / n,  g = relu(x)ⁿ⁻¹,  ∇²L = diag((n−1) relu(x)ⁿ⁻²). The polynomial separation of dense
// memories (Krotov & Hopfield 2016, arXiv 1606.01164; 2021, model A).

#include <string_view>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/view.hpp"

namespace ecphory::dynamics {

struct RectifiedPower {
  int degree = 3;  ///< n ≥ 2

  static constexpr std::string_view kName = "rectified power";
  static constexpr std::string_view kNullDirection = "every neuron below its threshold";
  static constexpr bool kBoundedOutput = false;
  static constexpr bool kElementwise = true;
  static bool convex() { return true; }

  void validate() const {
    if (degree >= 2) return;
    throw base::UserError({.key = "degree",
                           .problem = std::to_string(degree) + " is not allowed",
                           .expected = "a whole number >= 2",
                           .remedy = "2 is the rectified linear unit"});
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
        const Real slope = x.column(j)[i] > 0 ? power(x.column(j)[i], degree - 2) : Real{0};
        hu.column(j)[i] = static_cast<Real>(degree - 1) * slope * u.column(j)[i];
      }
    }
  }

 private:
  /// relu(x)ᵏ, with 0⁰ = 1.
  template <class Real>
  static Real power(Real x, int k) {
    const Real base = x > 0 ? x : Real{0};
    Real result = 1;
    for (int i = 0; i < k; ++i) result *= base;
    return result;
  }
};

}  // namespace ecphory::dynamics
