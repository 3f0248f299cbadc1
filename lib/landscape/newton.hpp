#pragma once
// Newton's method for fixed points, on whole batches of states.

#include <Eigen/Core>
#include <vector>

#include "ecphory/dynamics/network.hpp"

namespace ecphory::landscape {

struct NewtonOptions {
  double tolerance = 1e-12;  ///< a state has converged when ‖F‖/√rows ≤ tolerance · max(1, ‖x‖/√rows)
  int max_iterations = 50;
  Eigen::Index krylov = 60;  ///< most directions of GMRES in one iteration
  double t = 0;              ///< ms, at which inputs have their values
};

struct NewtonResult {
  Eigen::MatrixXd state;        ///< (rows, columns): the fixed points, or where the search came to a halt
  Eigen::VectorXd residual;     ///< (columns) ‖F‖/√rows there
  std::vector<int> iterations;  ///< steps of Newton's method that were taken
  std::vector<char> converged;  ///< 1 or 0

  Eigen::Index failures() const;
};

/// Solves F(x) = d(x) − x = 0, τ dx/dt being F, from every column of `starts` (rows of the state, columns);
/// column j has the inputs and weights of trajectory j. Fixed points of any stability are found, and noise is
/// left out.
///
/// Newton's method without matrices (Knoll & Keyes 2004, J. Comput. Phys. 193:357): J δ = −F, J = D d − 1, is
/// solved by GMRES with exact products J u, one product of the network's matrices for a whole batch; columns
/// that are done drop out. The linear residual that is asked for falls with the square of ‖F‖ (Eisenstat &
/// Walker 1996, choice 2), so that convergence is quadratic at a simple root. Steps stay in a trust region:
/// the best of at most a certain length in the Krylov space (the hook step of Dennis & Schnabel 1983;
/// Viswanath 2007, J. Fluid Mech. 580:339), so that a singular J does no harm. A column that cannot lower ‖F‖
/// any further, in a local minimum of ‖F‖ that is no root, stays, finite, and has not converged.
///
/// The numbers of a column do not depend on threads, and on the other columns only by rounding. Throws
/// UserError for starts that do not fit the network or are not finite, for options out of range, and for a
/// network of binary neurons, whose output has no slope.
NewtonResult newton(const dynamics::Network<double>& network, const Eigen::MatrixXd& starts,
                    const NewtonOptions& options = {});

/// Throws UserError for options out of range, or for a layer without a slope. newton() does the same first.
void check(const dynamics::Network<double>& network, const NewtonOptions& options);

/// Throws UserError for starts (rows, n) that do not fit the network, or its inputs and weights, or are not
/// finite. newton() does the same first.
void check_starts(const dynamics::Network<double>& network, const Eigen::MatrixXd& starts);

}  // namespace ecphory::landscape
