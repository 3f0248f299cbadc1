#pragma once
// Coloured noise: Ornstein–Uhlenbeck currents.

#include "ecphory/base/random.hpp"
#include "ecphory/dynamics/network.hpp"

namespace ecphory::dynamics {

/// A current with exponential memory, independent for every neuron and trajectory (Uhlenbeck & Ornstein
/// 1930):
///     τ dI = −I dt + σ √(2τ) dW,   ⟨I⟩ = 0,   ⟨I(t) I(t + s)⟩ = σ² e^{−|s|/τ} in the stationary state.
struct OrnsteinUhlenbeck {
  double tau = 5;    ///< ms, > 0
  double sigma = 1;  ///< its standard deviation, ≥ 0
};

/// Adds the current to the drive of `target`, as a layer "NAME current" of the state, behind the others. Its
/// rows of an initial state are its values at t = 0. Needs a method that takes noise. Throws UserError for
/// values out of range.
template <class Real>
LayerId add_ornstein_uhlenbeck(Network<Real>& network, LayerId target, const OrnsteinUhlenbeck& current);

/// Values (rows, trajectories) to start a current of standard deviation σ from, in its stationary state.
Eigen::MatrixXd stationary(double sigma, compute::Index rows, compute::Index trajectories,
                           const base::RandomKey& key);

}  // namespace ecphory::dynamics
