#pragma once
// Conditions that are watched along a trajectory, and that may end it.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ecphory/dynamics/network.hpp"

namespace ecphory::dynamics {

/// What arrival() watches: cosine · ‖g‖ − g·target of a layer's output g, plus 1 where g = 0.
template <class Real>
struct CosineDistance {
  using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;

  compute::Index first_row = 0;  ///< of the layer, in the state
  Lagrangian lagrangian = {};
  Matrix directions = {};                    ///< (neurons, any) of length 1
  std::vector<compute::Index> targets = {};  ///< which direction, for each trajectory or for all
  double cosine = 1;

  compute::Index target(compute::Index trajectory) const {
    return targets.size() == 1 ? targets[0] : targets[static_cast<std::size_t>(trajectory)];
  }
  double operator()(compute::Index trajectory, std::span<const Real> state) const;
};

/// Happens when `value` first falls to 0 or below, at t = 0 too. The moment is found on the dense output to
/// rounding; a value that is NaN has not fallen. Called from several threads, on the CPU. On a GPU, states
/// are brought to the CPU in every step for it, unless `cosine_distance` says what it is.
template <class Real>
struct Event {
  std::string name;
  std::function<double(compute::Index trajectory, double t, std::span<const Real> state)> value;
  bool ends = true;  ///< the trajectory ends then; if not, its time is noted and the trajectory goes on
  std::shared_ptr<const CosineDistance<Real>> cosine_distance = {};  ///< the same as `value`, for a GPU
};

/// Ends a trajectory with status `converged` when ‖τ dx/dt‖ / √rows of the state has been below `bound` for
/// `hold` ms, once the input jumps no more. The moment at which it falls below is interpolated in a step,
/// log-linearly.
struct Convergence {
  double bound = 1e-6;
  double hold = 0;
};

/// Arrival at a pattern: the cosine of a layer's output g with patterns(:, target) reaches `cosine`. patterns
/// is (neurons, any); targets has one pattern for each trajectory, or one for all. Throws UserError for
/// shapes that do not fit, a target that is not there, a pattern of zeros or a cosine outside (0, 1].
template <class Real>
Event<Real> arrival(const Network<Real>& network, LayerId layer,
                    const Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>& patterns,
                    std::vector<compute::Index> targets, double cosine);

}  // namespace ecphory::dynamics
