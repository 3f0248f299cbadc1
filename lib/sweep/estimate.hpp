#pragma once
// How long a sweep will take, and how large its result will be.

#include <cstddef>
#include <filesystem>
#include <string>

#include "ecphory/compute/device.hpp"
#include "ecphory/sweep/plan.hpp"

namespace ecphory::sweep {

struct Estimate {
  double seconds = 0;        ///< of one thread or the GPU, for all runs
  double bytes = 0;          ///< of the collected file
  double memory = 0;         ///< bytes of the largest group at work, where the experiment tells them; else 0
  std::size_t groups = 0;    ///< that the runs make, see groups_of()
  std::size_t largest = 1;   ///< runs of the largest
  std::size_t sampled = 0;   ///< runs that were timed
  std::string failure = {};  ///< what a sampled run threw, if one did
};

/// Times runs spread over the plan, on one thread each and for about a second together; one that takes longer
/// than ten is given up. Where the experiment can, it times shortened runs and asks for their footprint.
/// Scales by the experiment's cost where it knows it. `scratch` is a folder. On a GPU, or when several runs
/// are one problem, it times a group of them.
Estimate estimate(const Plan& plan, const std::filesystem::path& scratch,
                  compute::Device device = compute::kCpu, std::size_t together = 1);

}  // namespace ecphory::sweep
