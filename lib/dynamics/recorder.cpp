#include "ecphory/dynamics/recorder.hpp"

#include <algorithm>
#include <limits>

namespace ecphory::dynamics {

using compute::Index;

template <class Real>
MemoryRecorder<Real>::MemoryRecorder(Index rows, Index slots, Index trajectories)
    : states_({rows, slots, trajectories}) {
  std::ranges::fill(states_.elements(), std::numeric_limits<Real>::quiet_NaN());
}

template <class Real>
void MemoryRecorder<Real>::record(Index trajectory, Index slot, double, std::span<const Real> state) {
  const Index slots = states_.shape()[1];
  base::ensure(slot < slots, "a recorder has a slot for every state");
  std::ranges::copy(state, states_.data() + (trajectory * slots + slot) * states_.rows());
}

template <class Real>
Eigen::Map<const Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>> MemoryRecorder<Real>::trajectory(
    Index trajectory) const {
  const Index rows = states_.shape()[0];
  const Index slots = states_.shape()[1];
  base::ensure(trajectory >= 0 && trajectory < states_.shape()[2], "the trajectory is one of those recorded");
  return {states_.data() + trajectory * rows * slots, rows, slots};
}

template <class Real>
StatisticsRecorder<Real>::StatisticsRecorder(Index rows, Index trajectories)
    : mean_(Eigen::MatrixXd::Zero(rows, trajectories)),
      sum_of_squares_(Eigen::MatrixXd::Zero(rows, trajectories)),
      weight_(static_cast<std::size_t>(trajectories), 0.0),
      last_(static_cast<std::size_t>(trajectories), 0.0) {}

/// West's (1979) update for weighted samples.
template <class Real>
void StatisticsRecorder<Real>::record(Index trajectory, Index slot, double t, std::span<const Real> state) {
  const auto at = static_cast<std::size_t>(trajectory);
  const double weight = slot == 0 ? 0.0 : t - last_[at];
  last_[at] = t;
  if (weight <= 0) return;
  weight_[at] += weight;
  const auto x = Eigen::Map<const Eigen::Matrix<Real, Eigen::Dynamic, 1>>(state.data(), mean_.rows())
                     .template cast<double>();
  const Eigen::VectorXd difference = x - mean_.col(trajectory);
  mean_.col(trajectory) += weight / weight_[at] * difference;
  sum_of_squares_.col(trajectory) += weight * difference.cwiseProduct(x - mean_.col(trajectory));
}

template <class Real>
Eigen::MatrixXd StatisticsRecorder<Real>::variance() const {
  Eigen::MatrixXd result = sum_of_squares_;
  for (Index j = 0; j < result.cols(); ++j) {
    const double weight = weight_[static_cast<std::size_t>(j)];
    result.col(j) *= weight > 0 ? 1 / weight : 0.0;
  }
  return result;
}

template class MemoryRecorder<float>;
template class MemoryRecorder<double>;
template class StatisticsRecorder<float>;
template class StatisticsRecorder<double>;

}  // namespace ecphory::dynamics
