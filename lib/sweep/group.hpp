#pragma once
// Which runs are one problem.

#include <cstddef>
#include <span>
#include <vector>

#include "ecphory/compute/device.hpp"
#include "ecphory/sweep/plan.hpp"

namespace ecphory::sweep {

/// Throws UserError when points of the plan do not run on that device, when no such device can be used, or
/// when `together` of them are more than the one that the experiment runs at a time.
void check_execution(const Plan& plan, compute::Device device, std::size_t together);

/// The runs in groups of at most `most`, each of one company, in the order of `runs`; a group stands where
/// its first run does. With a stop rule the runs of a group are replicates of one point. Single runs where
/// the experiment has no `together`.
std::vector<std::vector<std::size_t>> groups_of(const Plan& plan, const std::vector<std::size_t>& runs,
                                                std::size_t most);

/// What came of points that are one problem. What Together::run throws is the outcome of each, but for a Bug,
/// which comes through.
std::vector<Outcome> run_group(const Experiment& experiment, std::span<const base::Point> points,
                               std::span<const RunContext> contexts);

/// The most runs of one group: `together`, but no more than a stop rule asks for at least.
std::size_t largest_group(const Plan& plan, std::size_t together);

}  // namespace ecphory::sweep
