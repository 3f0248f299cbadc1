#pragma once
// Which runs a process does, and in which order.

#include <cstddef>
#include <string>
#include <vector>

#include "ecphory/sweep/plan.hpp"

namespace ecphory::sweep {

/// Part `index` (1 … of) of a plan, for one of several processes: `--shard 3/16`.
struct Part {
  std::size_t index = 1;
  std::size_t of = 1;
};

/// "3/16" as a part. Throws UserError for anything but 1/n … n/n.
Part part_of_text(const std::string& text);

/// "03-of-16": how the part's shards are named.
std::string name_of(const Part& part);

/// The runs of one part, ascending. Every run is in one of the parts; replicates that a stop rule may end are
/// in the same. The parts' costs are about equal, and depend on the plan alone.
std::vector<std::size_t> runs_of(const Plan& plan, const Part& part);

/// The runs that are to start first, first: the most costly. Replicates of a point keep their order.
std::vector<std::size_t> longest_first(const Plan& plan, std::vector<std::size_t> runs);

}  // namespace ecphory::sweep
