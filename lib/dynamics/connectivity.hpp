#pragma once
// Which layers of a network reach which.

#include "ecphory/dynamics/network.hpp"

namespace ecphory::dynamics {

/// Throws UserError, with the layer's name, for a layer of several that no synapse joins to another, and for
/// an instantaneous layer that neither a synapse nor a current drives: nothing would ever come of it.
template <class Real>
void check_connected(const Network<Real>& network);

/// Throws UserError, with what the input does reach, when no chain of synapses leads from layer `input` to
/// layer `output`. From a layer to itself, that is a way out and back.
template <class Real>
void require_path(const Network<Real>& network, LayerId input, LayerId output);

}  // namespace ecphory::dynamics
