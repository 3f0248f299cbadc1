#pragma once
// What the shards of a sweep hold together.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "ecphory/sweep/plan_file.hpp"
#include "ecphory/sweep/shard.hpp"

namespace ecphory::sweep {

/// How every run of a plan stands.
struct Ledger {
  /// Of every run. A run that stands in several shards is done if it is done in one of them.
  std::vector<RunStatus> status;
  /// The place among `shards` of the one that has a done run's arrays.
  std::vector<std::uint32_t> shard_of;
  std::vector<Shard> shards;
  std::map<std::size_t, std::string> messages;  ///< of failed runs, and of those of which a part failed
  double seconds = 0;                           ///< that the done and the failed runs took

  /// A shard that cannot be read, and why.
  struct Damage {
    std::filesystem::path path;
    std::string what;
  };
  std::vector<Damage> damaged;

  std::size_t count(RunStatus status) const;

  /// On what the done runs were computed: "cpu", or "cpu, cuda:0" for shards of both; empty when none is
  /// done.
  std::string devices() const;

  /// Runs that failed, or of which a part failed; in the order of the plan.
  std::vector<std::size_t> failed() const;
};

/// How closely shards are looked at.
enum class Look {
  quick,   ///< cut short or not HDF5
  closely  ///< every byte, by its checksum
};

/// Reads the shards beside a plan, but for their arrays. Throws UserError for a shard of another plan; a
/// damaged one counts as if it were not there.
Ledger survey(const PlanFile& plan, Look look);

/// Gives damaged shards the ending .damaged, so that what they had is run again; the messages of what was
/// done.
std::vector<std::string> set_aside(const std::vector<Ledger::Damage>& damaged);

}  // namespace ecphory::sweep
