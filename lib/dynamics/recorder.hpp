#pragma once
// What is kept of a trajectory while it is integrated.

#include <span>
#include <vector>

#include "ecphory/compute/array.hpp"

namespace ecphory::dynamics {

/// Receives states of the neurons. Called from several threads, for different trajectories; the slots of one
/// trajectory come in order, 0, 1, 2 …
template <class Real>
class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual void record(compute::Index trajectory, compute::Index slot, double t,
                      std::span<const Real> state) = 0;
};

/// Keeps states in memory at times that are known beforehand. Slots of a trajectory that ended before are
/// NaN.
template <class Real>
class MemoryRecorder final : public Recorder<Real> {
 public:
  MemoryRecorder(compute::Index rows, compute::Index slots, compute::Index trajectories);
  void record(compute::Index trajectory, compute::Index slot, double t, std::span<const Real> state) override;

  /// (rows, slots) of one trajectory.
  Eigen::Map<const Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>> trajectory(
      compute::Index trajectory) const;

  /// (rows, slots, trajectories).
  const compute::Array<Real>& states() const { return states_; }

 private:
  compute::Array<Real> states_;
};

/// Mean and variance over time of every neuron, weighted with the time that each recorded state stands for:
/// from the state before it. Nothing else is kept.
template <class Real>
class StatisticsRecorder final : public Recorder<Real> {
 public:
  StatisticsRecorder(compute::Index rows, compute::Index trajectories);
  void record(compute::Index trajectory, compute::Index slot, double t, std::span<const Real> state) override;

  Eigen::MatrixXd mean() const { return mean_; }  ///< (rows, trajectories)
  Eigen::MatrixXd variance() const;               ///< (rows, trajectories); 0 where less than two states came

 private:
  Eigen::MatrixXd mean_;
  Eigen::MatrixXd sum_of_squares_;
  std::vector<double> weight_;
  std::vector<double> last_;
};

}  // namespace ecphory::dynamics
