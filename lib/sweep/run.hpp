#pragma once
// Runs points of a plan on the threads of one machine, and commits them as shards.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "ecphory/base/cancel.hpp"
#include "ecphory/compute/device.hpp"
#include "ecphory/store/dataset.hpp"
#include "ecphory/sweep/ledger.hpp"
#include "ecphory/sweep/plan.hpp"

namespace ecphory::sweep {

struct RunOptions {
  int threads = 0;  ///< 0: all that OpenMP gives; on a GPU one problem after the other, each with all of them
  compute::Device device = compute::kCpu;
  std::size_t together = 1;  ///< most runs of one problem, see Experiment::together
  double commit_every = 60;  ///< s; done points are in a shard so soon after, and longer only when
                             ///< that would take more than a twentieth of the time
  double point_timeout = std::numeric_limits<double>::infinity();  ///< s; n runs of one problem have n times
                                                                   ///< that together
  bool fail_fast = false;                                          ///< stop at the first failure
  std::string name = "1-of-1";                                     ///< of the shards
  const base::CancellationToken* cancel = nullptr;
  /// Root attributes of the shards, at the moment at which they are written.
  std::function<store::Attributes()> attributes = [] { return store::Attributes{}; };
  /// Called by one thread at a time, now and then and after each run: how many runs are done, how many of
  /// them failed or had a part that failed.
  std::function<void(std::size_t done, std::size_t failed)> on_progress = {};
};

/// A run that threw, or of which a part failed.
struct Failure {
  std::size_t index;
  std::string message;
};

/// What a call of run() did.
struct Report {
  std::size_t done = 0;           ///< runs with results
  std::vector<Failure> failures;  ///< in the order of the plan
};

/// Runs `runs` of `plan`, those in parallel, each on one BLAS thread, and writes what comes of them into
/// shards in `folder`: thousands of runs or 64 MB a file, each file whole at any moment, and rewritten as
/// more is done until it is full. `ledger` is what other shards have of the plan, for a stop rule to go on
/// from; replicates that the rule makes needless are recorded as such.
///
/// Where the experiment can, `together` runs of one company are one problem: they are in hand at once, and
/// count as if they had come one after the other. With a stop rule these are replicates of one point, no more
/// than the rule's `least`, and what is done beyond its end is dropped. It is a Bug to ask for a GPU, or for
/// more than one run at once, where check_execution() refuses.
///
/// The numbers depend on the plan and the device alone, on a GPU to rounding. A run that throws or passes its
/// time is recorded and stops nothing; a Bug is rethrown, as is a shard that cannot be written: what was
/// committed before stays. Stops between runs when `cancel` is requested: what is done is committed at once,
/// runs in hand when they are done. A single run leaves the threads to the experiment's own loops.
Report run(const Plan& plan, const std::vector<std::size_t>& runs, const Ledger& ledger,
           const std::filesystem::path& folder, const RunOptions& options);

}  // namespace ecphory::sweep
