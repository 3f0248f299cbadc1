#pragma once
// L(x) = β⁻¹ max over p of (βp·x + H(p)) with the Tsallis entropy H(p) = Σ (p − p^α) / (α (α − 1)),
// g = α-entmax(βx),  ∇²L = β (diag(s) − s sᵀ / Σ s) with s = g^(2−α) on the support. The memory layer of
// sparse modern Hopfield networks (Hu et al. 2023, arXiv 2309.12673, α = 2; Santos et al. 2024, arXiv
// 2402.13725); α = 1 is log-sum-exp. Peters, Niculae & Martins (2019, arXiv 1905.05702).

#include <cmath>
#include <string_view>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/entmax.hpp"

namespace ecphory::dynamics {

struct Entmax {
  double beta = 1;   ///< inverse temperature, > 0 and finite
  double alpha = 2;  ///< ≥ 1 and finite; 1 is softmax, 2 is sparsemax

  static constexpr std::string_view kName = "entmax";
  static constexpr std::string_view kNullDirection =
      "the constant vector, and every neuron outside the support";
  static constexpr bool kBoundedOutput = true;
  static constexpr bool kElementwise = false;
  static bool convex() { return true; }

  void validate() const {
    if (!(beta > 0 && std::isfinite(beta))) {
      throw base::UserError({.key = "beta",
                             .problem = std::to_string(beta) + " is not allowed",
                             .expected = "a finite number > 0",
                             .remedy = "a large beta stands for the hard maximum"});
    }
    if (!(alpha >= 1 && std::isfinite(alpha))) {
      throw base::UserError({.key = "alpha",
                             .problem = std::to_string(alpha) + " is not allowed",
                             .expected = "a finite number >= 1",
                             .remedy = "1 is softmax, 2 is sparsemax"});
    }
  }

  template <class Real>
  void value(compute::View<const Real> x, compute::View<Real> l) const {
    compute::entmax_value(static_cast<Real>(beta), alpha, x, l);
  }
  template <class Real>
  void gradient(compute::View<const Real> x, compute::View<Real> g) const {
    compute::entmax(static_cast<Real>(beta), alpha, x, g);
  }
  template <class Real>
  void hessian_times(compute::View<const Real> x, compute::View<const Real> u, compute::View<Real> hu) const {
    compute::entmax_hessian_times(static_cast<Real>(beta), alpha, x, u, hu);
  }
};

}  // namespace ecphory::dynamics
