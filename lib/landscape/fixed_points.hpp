#pragma once
// The fixed points of a network that a set of starts leads to.

#include <Eigen/Core>
#include <optional>
#include <vector>

#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/landscape/classify.hpp"
#include "ecphory/landscape/newton.hpp"
#include "ecphory/landscape/spectrum.hpp"

namespace ecphory::landscape {

struct FixedPointOptions {
  /// How starts relax before Newton's method, which then finds the attractors of the basins that they lie in;
  /// without, Newton's method sets out from the starts themselves and finds saddles too.
  std::optional<dynamics::SimulationOptions<double>> relax = {};
  NewtonOptions newton = {};     ///< its t is the time at which inputs are held throughout
  double merge_distance = 1e-4;  ///< fixed points are one within this ‖x − y‖/√rows
  SpectrumOptions spectrum = {};
  ClassCriteria criteria = {};
};

/// A relaxation fit for any network: exponential Euler with the shortest time constant as its step, for 200
/// of the longest or until ‖τ dx/dt‖/√rows ≤ 1e-6, in the neurons' coordinates.
dynamics::SimulationOptions<double> relaxation(const dynamics::Network<double>& network);

/// Distinct fixed points, by falling number of starts, then by the first start.
struct FixedPoints {
  Eigen::MatrixXd state;            ///< (rows, points)
  Eigen::MatrixXd output;           ///< (neurons of the first layer, points)
  std::vector<Eigen::Index> basin;  ///< starts that led to each
  std::vector<Eigen::Index>
      reached;               ///< the point of each start; −1: Newton's method, or the relaxation, failed
  Eigen::VectorXd residual;  ///< (points) ‖τ dx/dt‖/√rows
  Eigen::VectorXd energy;    ///< (points), NaN for a network without one
  Eigen::MatrixXcd eigenvalues;         ///< (leading, points) 1/ms
  std::vector<Eigen::Index> index;      ///< directions of growth of each
  std::vector<Classification> classes;  ///< of each; empty when no patterns are given

  Eigen::Index count() const { return state.cols(); }
};

/// Relaxes `starts` (rows, n), merges what has come to lie together, polishes one state of each group by
/// Newton's method, and merges again: a start counts for the point that its group's state led to. Inputs have
/// their values of time options.newton.t throughout, and noise is left out. With `patterns` (N, M), which are
/// compared with the output of the first layer, points are classified.
///
/// Throws UserError as newton(), simulate(), spectra() and classify() do, for a merge_distance out of range,
/// and for inputs or weights that differ between trajectories, whose fixed points would too.
FixedPoints fixed_points(const dynamics::Network<double>& network, const Eigen::MatrixXd& starts,
                         const FixedPointOptions& options = {},
                         const std::optional<Eigen::MatrixXd>& patterns = {});

}  // namespace ecphory::landscape
