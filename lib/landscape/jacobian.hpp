#pragma once
// The linearised dynamics of a network at a state.

#include <Eigen/Core>

#include "ecphory/dynamics/network.hpp"

namespace ecphory::landscape {

/// J = T⁻¹ (D d(x) − 1), so that dδ/dt = J δ for a small deviation δ from the state x, (rows, rows), in 1/ms;
/// T is diag(τ), and inputs have their values of time t (ms). As exact as the Lagrangians' Hessians. Takes
/// rows products of the network's matrices. Throws UserError when x has not the network's rows or is not
/// finite.
Eigen::MatrixXd jacobian(const dynamics::Network<double>& network, const Eigen::VectorXd& x, double t = 0);

/// τ of every row of the state, ms.
Eigen::VectorXd time_constants(const dynamics::Network<double>& network);

}  // namespace ecphory::landscape
