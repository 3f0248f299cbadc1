#pragma once
// Shards → one dataset.

#include "ecphory/sweep/ledger.hpp"
#include "ecphory/sweep/plan.hpp"

namespace ecphory::sweep {

/// Whether a collected file has the numbers, or says in which shards they are.
enum class Storage {
  copied,
  mapped  ///< HDF5 virtual datasets; strings are copied all the same
};

/// Every array of the experiment with the plan's dimensions before its own; the swept keys as coordinates;
/// `status`, and `message` where there is one. What is not done is NaN, 0 or an empty string; where extents
/// differ between runs an array has the largest. The values are read from the shards while the dataset is
/// written; they must stay where they are until then. The result depends on the plan and on what is done
/// alone, not on which shard has it. Of a mapped dataset `folder` is where its file will be: it finds the
/// shards from there. Throws UserError when a shard cannot be read.
store::Dataset collect(const Plan& plan, const Ledger& ledger, Storage storage = Storage::copied,
                       const std::filesystem::path& folder = ".");

}  // namespace ecphory::sweep
