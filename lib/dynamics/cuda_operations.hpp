#pragma once
// The CUDA half of the dynamics, as compute/cuda_operations.hpp is that of operations: started in order with
// the calling thread's other work on the GPU. A build without CUDA has cuda_absent.cpp instead.
//
// States, drives and what is made of them are (rows, columns), a column for each trajectory; `steps` is
// (1, columns); `tau`, in ms, and `noise` are (rows, 1).

#include <cstdint>

#include "ecphory/compute/view.hpp"
#include "ecphory/dynamics/integrators/integrator.hpp"

namespace ecphory::dynamics::cuda {

template <class Real>
struct Operations {
  using In = compute::View<const Real>;
  using Out = compute::View<Real>;
  using Steps = compute::View<const ColumnStep>;
  using Taus = compute::View<const double>;
  using Noises = compute::View<const Noise>;
  using Places = compute::View<const std::int32_t>;  // (1, columns)
  using Numbers = compute::View<double>;             // (1, columns)

  // Lagrangians: g ← ∇L(x); Bug for one that runs_on_gpu() denies.
  static void gradient(const Lagrangian& lagrangian, In x, Out g);

  // Methods.
  static void scaled_rates(Steps steps, Taus tau, In x, In d, Out rates);
  static void error_norms(double rtol, double atol, In x, In x_new, In error, Numbers norms);
  static void exponential_euler(Steps steps, Taus tau, In x, In d, Out x_new);
  static void exponential_runge_kutta(Steps steps, Taus tau, In x, In d, In d_ahead, Out x_new);
  static void wiener_increments(const base::RandomKey& key, Steps steps, Taus tau, Out increments);
  static void euler_maruyama(Steps steps, Taus tau, Noises noise, In x, In d, In increments, Out x_new);
  static void heun(Steps steps, Taus tau, Noises noise, In x, In d, In d_new, In increments, Out x_new);

  // Control: whether all of x and d is finite (1 or 0), ‖d − x‖/√rows; and Σ (x/s)², Σ ((d − x)/(τ s))² for
  // s = atol + rtol |x|.
  static void readings(In x, In d, Numbers finite, Numbers rate);
  static void sizes(double rtol, double atol, Taus tau, In x, In d, Numbers of_state, Numbers of_rate);
  /// value ← cosine · ‖g‖ − g · directions(:, target), plus 1 where g = 0.
  static void cosine_distance(double cosine, In g, In directions, Places target, Numbers value);

  /// to(:, j) ← from(:, columns[j]).
  static void copy_columns(In from, Places columns, Out to);
  /// to(:, j) ← from(:, j) where taken[j] is not 0.
  static void take_columns(Places taken, In from, Out to);
};

}  // namespace ecphory::dynamics::cuda
