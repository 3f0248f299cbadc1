#pragma once
// The evidence: a network integrated by the simulator beside the attention layers that stand for it.

#include <vector>

#include "ecphory/bridge/attention_form.hpp"
#include "ecphory/dynamics/simulate.hpp"

namespace ecphory::bridge {

/// How far attention layers are from a network's trajectories: after layer k = 1 … depth, max |x − y| / max
/// |x| over rows and trajectories, x being the network at time kΔ and y the layers' state.
///
/// `network` has the form's blocks among its layers, by name and size, else UserError; `initial` is (rows of
/// its state, trajectories). It is integrated as `options` say, in the neurons' own coordinates, but for
/// duration and recording, which are set here: with the form's method and step, the deviation of an exact
/// form is rounding. Both run on the options' device. Throws UserError when a trajectory fails.
template <class Real>
std::vector<double> deviations(const dynamics::Network<Real>& network, const AttentionForm<Real>& form,
                               const Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>& initial,
                               dynamics::SimulationOptions<Real> options);

/// The rows of a network's states (rows, columns) that are the form's, (width, columns).
template <class Real>
Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic> rows_of(
    const AttentionForm<Real>& form, const dynamics::Network<Real>& network,
    const Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>& states);

}  // namespace ecphory::bridge
