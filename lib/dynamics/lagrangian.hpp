#pragma once
// The Lagrangian of a layer: a function L(x), convex but for odd powers, whose gradient is the layer's output
// (Krotov 2021, arXiv 2107.06446).

#include <string>
#include <variant>

#include "ecphory/compute/view.hpp"
#include "ecphory/dynamics/lagrangians/entmax.hpp"
#include "ecphory/dynamics/lagrangians/layer_norm.hpp"
#include "ecphory/dynamics/lagrangians/log_sum_exp.hpp"
#include "ecphory/dynamics/lagrangians/logistic.hpp"
#include "ecphory/dynamics/lagrangians/power.hpp"
#include "ecphory/dynamics/lagrangians/quadratic.hpp"
#include "ecphory/dynamics/lagrangians/sign.hpp"
#include "ecphory/dynamics/lagrangians/spherical.hpp"
#include "ecphory/dynamics/lagrangians/tanh.hpp"

namespace ecphory::dynamics {

/// All of them; one file each in lagrangians/.
using Lagrangian = std::variant<Quadratic, RectifiedPower, LogSumExp, Spherical, Tanh, Logistic, Sign, Power,
                                Entmax, LayerNorm>;

/// What certificates need to know.
struct LagrangianTraits {
  std::string name;
  std::string null_direction;  ///< along which ∇²L is zero, in words; empty where it is positive definite
  bool bounded_output;         ///< whether g stays in a bounded set
  bool elementwise;  ///< whether ∇²L is diagonal: a neuron's output depends on its own state alone
  bool convex;       ///< whether ∇²L is positive semi-definite everywhere
};
LagrangianTraits traits_of(const Lagrangian& lagrangian);

/// Throws UserError for a parameter out of its range.
void validate(const Lagrangian& lagrangian);

/// Whether gradient() has a form for a GPU.
bool runs_on_gpu(const Lagrangian& lagrangian);

/// l(1, j) ← L(x(:, j)). x is (neurons, trajectories), l is (1, trajectories).
template <class Real>
void value(const Lagrangian& lagrangian, std::type_identity_t<compute::View<const Real>> x,
           std::type_identity_t<compute::View<Real>> l);

/// g(:, j) ← ∇L(x(:, j)). x and g may be the same memory. On the device of both.
template <class Real>
void gradient(const Lagrangian& lagrangian, std::type_identity_t<compute::View<const Real>> x,
              std::type_identity_t<compute::View<Real>> g);

/// hu(:, j) ← ∇²L(x(:, j)) u(:, j). hu overlaps neither x nor u.
template <class Real>
void hessian_times(const Lagrangian& lagrangian, std::type_identity_t<compute::View<const Real>> x,
                   std::type_identity_t<compute::View<const Real>> u,
                   std::type_identity_t<compute::View<Real>> hu);

}  // namespace ecphory::dynamics
