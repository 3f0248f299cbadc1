#pragma once
// Where starts come to lie.

#include <Eigen/Core>
#include <vector>

#include "ecphory/dynamics/simulate.hpp"

namespace ecphory::landscape {

struct Relaxed {
  Eigen::MatrixXd state;     ///< (rows, starts)
  std::vector<char> finite;  ///< of each start: 0 where its state has become NaN or infinite
};

/// States at the end of an integration from `starts` (rows, n), as simulate() gives them, of a network
/// without noise whose inputs do not jump and are the same for all trajectories. Exponential Euler until
/// convergence (without hold, events or records, in the neurons' coordinates) goes a shorter way: step and
/// rate are one pass over the states, a column that has come to rest makes room for the next start, and the
/// state is that of the first step at which the rate is below the bound. Throws UserError as simulate() does.
Relaxed relaxed(const dynamics::Network<double>& network, const Eigen::MatrixXd& starts,
                const dynamics::SimulationOptions<double>& options);

}  // namespace ecphory::landscape
