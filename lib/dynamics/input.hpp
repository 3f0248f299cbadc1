#pragma once
// Input currents I(t): constant from one jump to the next.

#include <vector>

#include "ecphory/compute/array.hpp"

namespace ecphory::dynamics {

/// A current that is constant between jumps. Before the first jump it is zero.
/// values[i] holds from times[i] (ms, ascending) to times[i+1]; each is (neurons, 1), the same for every
/// trajectory, or (neurons, trajectories).
template <class Real>
struct Input {
  using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;
  std::vector<double> times = {};
  std::vector<Matrix> values = {};

  /// The value that holds at t (at a jump: the new one); nullptr for none.
  const Matrix* at(double t) const;

  /// Whether it jumps after the start at t = 0.
  bool moves() const { return !times.empty() && times.back() > 0; }
};

/// The same current at all times.
template <class Real>
Input<Real> constant_current(typename Input<Real>::Matrix current);

/// `current` from `onset` for `duration` (both ms, > 0), zero otherwise.
template <class Real>
Input<Real> pulse(double onset, double duration, typename Input<Real>::Matrix current);

/// tokens[t] for `duration` ms each, one after the other from t = 0, then zero.
template <class Real>
Input<Real> token_sequence(double duration, std::vector<typename Input<Real>::Matrix> tokens);

/// The sum of two currents of one size.
template <class Real>
Input<Real> operator+(const Input<Real>& a, const Input<Real>& b);

/// Throws UserError unless times ascend and every value has `neurons` rows, is finite, and has 1 or
/// `trajectories` columns. `layer` names the layer in messages.
template <class Real>
void validate(const Input<Real>& input, const std::string& layer, compute::Index neurons,
              compute::Index trajectories);

}  // namespace ecphory::dynamics
