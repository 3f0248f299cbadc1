#pragma once
// One thread's work on some of the trajectories of a simulation. Inside lib/dynamics only.

#include "ecphory/dynamics/simulate.hpp"

namespace ecphory::dynamics {

/// Integrates the trajectories `ids` (numbers of columns of the result; below 0: a column without one) to the
/// end. On the CPU their number is a multiple of compute::kGemmColumns, and a trajectory's place in its group
/// depends on its number alone. result.state holds the initial states and receives the final ones.
template <class Real>
void run_block(Flow<Real>& flow, Integrator<Real>& integrator, const SimulationOptions<Real>& options,
               const std::vector<double>& jumps, std::vector<compute::Index> ids, Recorder<Real>* recorder,
               Simulation<Real>& result);

}  // namespace ecphory::dynamics
