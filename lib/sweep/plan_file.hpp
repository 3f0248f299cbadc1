#pragma once
// The folder of a sweep: an immutable plan, and beside it the shards.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ecphory/sweep/plan.hpp"

namespace ecphory::sweep {

/// The plan's name in its folder.
inline constexpr const char* kPlanFile = "plan.h5";

/// What the file of a plan says, apart from the points' values.
struct PlanFile {
  std::filesystem::path path;
  std::uint64_t hash = 0;
  std::size_t points = 0;
  std::size_t replicates = 1;
  std::string experiment;
  std::string config;            ///< the experiment file, every key resolved
  std::string commit;            ///< of the program that made it
  std::string output;            ///< name of the file that the sweep becomes, beside the folder
  store::Attributes provenance;  ///< as open_sweep() got it

  std::size_t size() const { return points * replicates; }
};

/// Makes `folder` and writes the plan into it (points with their identities, configuration, provenance),
/// unless that plan is there already. Of two processes that do so at once one writes and both go on. Throws
/// UserError when another plan is there, with what differs, or the folder cannot be written to.
PlanFile open_sweep(const std::filesystem::path& folder, const Plan& plan, const std::string& config,
                    store::Attributes attributes, const std::string& output = "");

/// Reads the plan of a folder, or a plan by its own name. Throws UserError when it is missing, damaged, or
/// was written by a version of Ecphory that made other plans.
PlanFile read_plan(const std::filesystem::path& folder_or_file);

/// Throws UserError, with what differs, unless the file has this plan, whose configuration is `config`.
void ensure_same(const PlanFile& file, const Plan& plan, const std::string& config);

/// Throws UserError unless `plan`, made from the configuration in `file`, is the plan that the file has.
void ensure_reproduced(const PlanFile& file, const Plan& plan);

/// The shards of a folder (NAME.000.h5, NAME.001.h5 …), in the order of their names; none when there is no
/// folder.
std::vector<std::filesystem::path> shard_files(const std::filesystem::path& folder);

/// Removes a sweep: the plan first, then the shards, and what processes that were killed have left; the
/// folder too, when nothing else is in it.
void remove_sweep(const std::filesystem::path& folder);

}  // namespace ecphory::sweep
