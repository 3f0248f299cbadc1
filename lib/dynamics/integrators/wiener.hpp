#pragma once
// Increments of the Wiener processes that drive noisy neurons.

#include <cmath>
#include <span>

#include "ecphory/base/random.hpp"
#include "ecphory/dynamics/integrators/integrator.hpp"

namespace ecphory::dynamics {

/// increments(i, j) ← √(2 dt_j/τ_i) ξ, with ξ standard normals that depend on the key, the trajectory, its
/// step and the row alone.
template <class Real>
void wiener_increments(const base::RandomKey& key, const Flow<Real>& flow, const Attempt<Real>& attempt,
                       compute::View<Real> increments) {
  const auto rows = static_cast<std::size_t>(attempt.x.rows);
  for (compute::Index j = 0; j < attempt.x.columns; ++j) {
    const auto at = static_cast<std::size_t>(j);
    Real* const column = increments.column(j);
    if (attempt.ids[at] < 0) {
      std::fill_n(column, rows, Real{0});
      continue;
    }
    const auto trajectory = static_cast<std::uint64_t>(attempt.ids[at]);
    const auto step = static_cast<std::uint32_t>(attempt.steps[at]);
    base::RandomStream(key, base::Purpose("dynamics.noise"), step)
        .normals(trajectory * ((rows + 1) / 2 * 2), std::span(column, rows));
    for (std::size_t i = 0; i < rows; ++i)
      column[i] *= static_cast<Real>(std::sqrt(2 * attempt.dt[at] / flow.tau()[i]));
  }
}

/// The noise's strength at x in row i: additive + proportional · x.
template <class Real>
Real strength(const Flow<Real>& flow, compute::Index row, Real x) {
  const Noise& noise = flow.noise()[static_cast<std::size_t>(row)];
  return static_cast<Real>(noise.additive) + static_cast<Real>(noise.proportional) * x;
}

}  // namespace ecphory::dynamics
