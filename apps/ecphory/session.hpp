#pragma once
// A sweep on disk, as the verbs run, retry and collect go on with it.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ecphory/compute/device.hpp"
#include "ecphory/sweep/collect.hpp"
#include "ecphory/sweep/ledger.hpp"
#include "ecphory/sweep/part.hpp"
#include "ecphory/sweep/plan_file.hpp"

#include "experiment_file.hpp"

namespace ecphory::app {

/// What a user says about how runs are done.
struct Execution {
  int threads = 0;
  double point_timeout = 0;  ///< s; 0: none
  double commit_every = 60;  ///< s
  bool fail_fast = false;
  std::string device = "cpu";                ///< or "cuda"
  std::optional<std::size_t> together = {};  ///< most runs of one problem; none: what the device suggests
};

/// Where points run.
compute::Device device_of(const Execution& execution);

/// At most how many runs are one problem: by default 1 on the CPU, 64 on a GPU where the experiment can.
std::size_t together_of(const Execution& execution, const sweep::Experiment& experiment);

/// " --device cuda" as a command line has it; empty for the CPU.
std::string device_words(const Execution& execution);

/// Throws UserError when the plan's points cannot be run so.
void check_execution(const Execution& execution, const sweep::Plan& plan);

struct Session {
  Request request;
  std::filesystem::path output;  ///< results.h5
  std::filesystem::path folder;  ///< results.sweep, with the plan and the shards
  sweep::PlanFile file;
  std::string command;  ///< for the provenance of shards
};

/// results.h5 → results.sweep; results.dat → results.dat.sweep
std::filesystem::path sweep_folder(const std::filesystem::path& output);

/// A sweep by its plan or folder. Throws UserError.
Session open_session(const std::filesystem::path& plan, const std::string& command);

/// What the shards hold, every byte looked at; damaged ones are set aside, with a message on stderr.
sweep::Ledger look(const Session& session);

/// What executing runs came to.
struct Executed {
  std::size_t done = 0;
  std::size_t failed = 0;
  int signal = 0;  ///< by which it was stopped; 0: it was not
};

/// Runs `runs`, with progress and failures on stderr. `name` is that of the shards. A disk that does not take
/// a shard is a UserError that says what is kept.
Executed execute(const Session& session, const sweep::Ledger& ledger, const std::vector<std::size_t>& runs,
                 const std::string& name, const Execution& execution);

/// Throws UserError when the output would lie in the folder of the sweep.
void check_outside(const Session& session);

/// Writes the collected file. Replaces an older one if `replace`, or if it is of the same plan and has no
/// more. Throws UserError when there is another, or the disk does not take it.
void write_collected(const Session& session, const sweep::Ledger& ledger, bool replace,
                     sweep::Storage storage);

/// The name of shards that `ecphory retry` writes.
inline constexpr const char* kRetry = "retry";

/// Removes the folder of a sweep that is collected, unless processes with --shard have worked in it.
void remove_if_ours(const Session& session);

/// The hash of the plan that a collected file is of; nothing when the file is no collected one.
std::optional<std::uint64_t> plan_of(const std::filesystem::path& file);

/// "3 failed, 5 missing" of a ledger, empty when everything is done; and what to do about it.
std::string shortcomings(const Session& session, const sweep::Ledger& ledger);

}  // namespace ecphory::app
