#pragma once
// Increments of the Wiener processes that drive noisy neurons.

#include <cmath>
#include <span>

#include "ecphory/base/random.hpp"
#include "ecphory/dynamics/cuda_operations.hpp"
#include "ecphory/dynamics/integrators/integrator.hpp"
#include "ecphory/dynamics/integrators/row_constants.hpp"

namespace ecphory::dynamics {

inline constexpr base::Purpose kNoisePurpose{"dynamics.noise"};

/// First element, in the stream of its step, of a trajectory's normals: pairs are of one trajectory.
ECPHORY_HOST_DEVICE constexpr std::uint64_t first_normal(compute::Index trajectory, compute::Index rows) {
  return static_cast<std::uint64_t>(trajectory) * ((static_cast<std::uint64_t>(rows) + 1) / 2 * 2);
}

/// What is fixed of a noisy flow's rows, on its device.
template <class Real>
struct NoisyRows {
  compute::Array<double> tau;
  compute::Array<Noise> noise;

  explicit NoisyRows(const Flow<Real>& flow)
      : tau(row_constants(flow.tau(), flow.device())),
        noise(row_constants(flow.noise().empty() ? std::vector<Noise>(flow.tau().size()) : flow.noise(),
                            flow.device())) {}
};

/// increments(i, j) ← √(2 dt_j/τ_i) ξ, with ξ standard normals that depend on the key, the trajectory, its
/// step and the row alone.
template <class Real>
void wiener_increments(const base::RandomKey& key, const NoisyRows<Real>& rows, const Attempt<Real>& attempt,
                       compute::View<Real> increments) {
  if (increments.device != compute::kCpu)
    return cuda::Operations<Real>::wiener_increments(key, attempt.on_device, rows.tau, increments);
  const auto n = static_cast<std::size_t>(attempt.x.rows);
  for (compute::Index j = 0; j < attempt.x.columns; ++j) {
    const ColumnStep& step = attempt.steps[static_cast<std::size_t>(j)];
    Real* const column = increments.column(j);
    if (step.trajectory < 0) {
      std::fill_n(column, n, Real{0});
      continue;
    }
    base::RandomStream(key, kNoisePurpose, static_cast<std::uint32_t>(step.made))
        .normals(first_normal(step.trajectory, attempt.x.rows), std::span(column, n));
    for (std::size_t i = 0; i < n; ++i)
      column[i] *= static_cast<Real>(std::sqrt(2 * step.dt / rows.tau.data()[i]));
  }
}

/// The noise's strength at x: additive + proportional · x.
template <class Real>
ECPHORY_HOST_DEVICE Real strength(const Noise& noise, Real x) {
  return static_cast<Real>(noise.additive) + static_cast<Real>(noise.proportional) * x;
}

}  // namespace ecphory::dynamics
