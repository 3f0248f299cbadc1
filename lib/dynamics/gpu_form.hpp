#pragma once
// What of the dynamics runs on a GPU. Inside lib/dynamics only.

#include "ecphory/dynamics/simulate.hpp"

namespace ecphory::dynamics {

/// Throws UserError, its key a field of the options, when options that name a GPU ask for what has no form
/// for one.
template <class Real>
void check_gpu_form(const Network<Real>& network, const SimulationOptions<Real>& options);

/// Throws UserError when the device of the options cannot be used.
void check_device(compute::Device device);

/// Bytes that a trajectory takes on a GPU, at most.
template <class Real>
std::size_t bytes_of_trajectory(const Network<Real>& network, const SimulationOptions<Real>& options);

}  // namespace ecphory::dynamics
