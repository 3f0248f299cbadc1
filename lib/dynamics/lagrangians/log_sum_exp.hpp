#pragma once
// L(x) = β⁻¹ log Σ exp(βx),  g = softmax(βx),  ∇²L = β (diag(g) − g gᵀ). Model B of Krotov & Hopfield (2021,
// eq. 14); the memory layer of modern Hopfield networks (Ramsauer et al. 2021).

#include <cmath>
#include <string_view>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/softmax.hpp"

namespace ecphory::dynamics {

struct LogSumExp {
  double beta = 1;  ///< inverse temperature, > 0 and finite

  static constexpr std::string_view kName = "log-sum-exp";
  static constexpr std::string_view kNullDirection = "the constant vector";
  static constexpr bool kBoundedOutput = true;
  static constexpr bool kElementwise = false;
  static bool convex() { return true; }

  void validate() const {
    if (beta > 0 && std::isfinite(beta)) return;
    throw base::UserError({.key = "beta",
                           .problem = std::to_string(beta) + " is not allowed",
                           .expected = "a finite number > 0",
                           .remedy = "a large beta stands for the hard maximum"});
  }

  template <class Real>
  void value(compute::View<const Real> x, compute::View<Real> l) const {
    compute::log_sum_exp(static_cast<Real>(beta), x, l);
  }
  template <class Real>
  void gradient(compute::View<const Real> x, compute::View<Real> g) const {
    compute::softmax(static_cast<Real>(beta), x, g);
  }
  template <class Real>
  void hessian_times(compute::View<const Real> x, compute::View<const Real> u, compute::View<Real> hu) const {
    compute::softmax(static_cast<Real>(beta), x, hu);
    for (compute::Index j = 0; j < x.columns; ++j) {
      auto p = hu.matrix().col(j);
      const Real mean = p.dot(u.matrix().col(j));
      p = static_cast<Real>(beta) * p.array() * (u.matrix().col(j).array() - mean);
    }
  }
};

}  // namespace ecphory::dynamics
