#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ecphory/base/error.hpp"
#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/store/provenance.hpp"

#include "dry_run.hpp"
#include "session.hpp"
#include "verbs.hpp"

namespace ecphory::app {
namespace {

namespace fs = std::filesystem;
using base::UserError;
using nlohmann::json;

struct RunArguments {
  std::string file;
  std::string output;
  std::vector<std::string> overrides;
  std::optional<std::string> shard;
  Execution execution;
  bool dry_run = false;
  bool force = false;
  bool resume = false;
  bool as_json = false;
};

std::string command_of(const RunArguments& arguments) {
  std::string command = "ecphory run " + arguments.file;
  for (const std::string& text : arguments.overrides) command += " --set '" + text + "'";
  command += " --output " + arguments.output;
  if (arguments.shard) command += " --shard " + *arguments.shard;
  return command + device_words(arguments.execution);
}

/// A lower bound of the result's size: a status and one real a run, and what every file has.
std::size_t expected_bytes(const sweep::Plan& plan) { return 9 * plan.size() + 65536; }

/// Whether the output is the finished file of this plan, and nothing is left to do.
bool is_finished(const Session& session) {
  if (fs::exists(session.folder / sweep::kPlanFile)) return false;
  const store::Values values = store::Reader(session.output).read("status");
  const auto* const status = std::get_if<std::vector<std::uint8_t>>(&values);
  if (status != nullptr && std::ranges::find(*status, 0) == status->end()) return true;
  throw UserError({.key = session.output.string(),
                   .problem = fmt::format("has missing points, and {} is gone", session.folder.string()),
                   .remedy = "begin again with --force"});
}

/// Throws UserError when what is there already forbids this run, before anything is changed.
void check_places(const Session& session, const RunArguments& arguments) {
  const bool shard = arguments.shard.has_value();
  if (shard && arguments.force) {
    throw UserError({.key = "--force",
                     .problem = "would remove what other shards have done",
                     .expected = "--shard without --force",
                     .remedy = fmt::format("to begin again, remove {} first", session.folder.string())});
  }
  if (arguments.resume && arguments.force) {
    throw UserError({.key = "--resume",
                     .problem = "and --force do not go together",
                     .expected = "--resume to go on, or --force to begin again"});
  }
  if (fs::exists(session.folder) && !fs::is_directory(session.folder)) {
    throw UserError({.key = session.folder.string(),
                     .problem = "there is a file where the folder of the sweep would be",
                     .remedy = "move it away, or choose another --output"});
  }
  check_outside(session);
  const bool goes_on = shard || arguments.resume;
  const bool ours = goes_on && plan_of(session.output) == session.request.plan.hash();
  const bool may_replace = arguments.force || shard || ours;
  store::check_writable(session.output, expected_bytes(session.request.plan),
                        may_replace ? store::Existing::replace : store::Existing::refuse);
  if (goes_on && fs::exists(session.folder / sweep::kPlanFile))
    sweep::ensure_same(sweep::read_plan(session.folder), session.request.plan, session.request.config);
  if (!goes_on && !arguments.force && fs::exists(session.folder / sweep::kPlanFile)) {
    throw UserError({.key = session.folder.string(),
                     .problem = "there is an unfinished run of that name",
                     .expected = "a free name, or --resume",
                     .remedy = "go on with it by --resume, or begin again by --force"});
  }
}

void print_outcome(const Session& session, const RunArguments& arguments, const sweep::Ledger& ledger,
                   double seconds) {
  const std::size_t failed = ledger.failed().size();
  const std::size_t done = ledger.count(sweep::RunStatus::done);
  const std::string path = (arguments.shard ? session.folder : session.output).string();
  if (arguments.as_json) {
    fmt::print("{}\n", json{{"output", path},
                            {"runs", session.request.plan.size()},
                            {"done", done},
                            {"failed", failed},
                            {"missing", ledger.count(sweep::RunStatus::missing)},
                            {"seconds", seconds}}
                           .dump(2));
    return;
  }
  fmt::print("{}\n", path);
  const std::size_t needless = ledger.count(sweep::RunStatus::not_needed);
  fmt::print(stderr, "{} of {} points done, {} failed{}, {:.2f} s\n", done, session.request.plan.size(),
             failed, needless == 0 ? "" : fmt::format(", {} not needed", needless), seconds);
}

/// The end of a run that a signal has stopped.
int stop(const Session& session, bool made_here, int signal) {
  if (made_here && sweep::shard_files(session.folder).empty()) {
    sweep::remove_sweep(session.folder);
    fmt::print(stderr, "stopped by signal {} before any point was done; nothing was written\n", signal);
    return kSignalled + signal;
  }
  const sweep::Ledger ledger = look(session);
  fmt::print(stderr,
             "stopped by signal {}: {} of {} points done, kept in {}\n"
             "the same command with --resume goes on; ecphory collect {} makes a file of what is there\n",
             signal, ledger.count(sweep::RunStatus::done), session.request.plan.size(),
             session.folder.string(), session.folder.string());
  return kSignalled + signal;
}

int run(Session& session, const RunArguments& arguments) {
  const auto start = std::chrono::system_clock::now();
  const bool shard = arguments.shard.has_value();
  const sweep::Part part = shard ? sweep::part_of_text(*arguments.shard) : sweep::Part{};
  if (!shard && !arguments.resume) sweep::remove_sweep(session.folder);
  const bool made_here = !shard && !fs::exists(session.folder / sweep::kPlanFile);
  session.file =
      sweep::open_sweep(session.folder, session.request.plan, session.request.config,
                        store::attributes_of({.title = session.request.title,
                                              .experiment = session.request.plan.experiment.name,
                                              .device = compute::to_string(device_of(arguments.execution)),
                                              .command = session.command,
                                              .seed = session.request.plan.seed,
                                              .start = start,
                                              .end = start}),
                        session.output.filename().string());
  store::remove_parts_of_the_dead(session.folder);
  sweep::Ledger ledger = look(session);
  const std::vector<std::size_t> ours = sweep::runs_of(session.request.plan, part);
  std::vector<std::size_t> runs;
  for (const std::size_t run : ours) {
    if (ledger.status[run] == sweep::RunStatus::missing) runs.push_back(run);
  }
  Executed executed;
  try {
    executed = execute(session, ledger, runs, sweep::name_of(part), arguments.execution);
  } catch (const UserError&) {
    if (!fs::exists(session.folder / sweep::kPlanFile) &&
        plan_of(session.output) == session.request.plan.hash() && is_finished(session)) {
      fmt::print(stderr, "another process has finished this sweep\n");
      return kDone;
    }
    if (made_here && sweep::shard_files(session.folder).empty()) sweep::remove_sweep(session.folder);
    throw;
  }
  if (executed.signal != 0) return stop(session, made_here, executed.signal);

  ledger = look(session);
  const double seconds = std::chrono::duration<double>(std::chrono::system_clock::now() - start).count();
  if (executed.failed > 0 && arguments.execution.fail_fast) {
    fmt::print(stderr, "stopped at the first failure; {} of {} points done, kept in {}\n",
               ledger.count(sweep::RunStatus::done), session.request.plan.size(), session.folder.string());
    return kRunFailed;
  }
  if (shard) {
    print_outcome(session, arguments, ledger, seconds);
    const bool failed = std::ranges::any_of(ours, [&](std::size_t r) {
      return ledger.status[r] == sweep::RunStatus::failed || ledger.messages.contains(r);
    });
    return failed ? kPointsFailed : kDone;
  }
  try {
    write_collected(session, ledger, arguments.force, sweep::Storage::copied);
  } catch (const UserError& error) {
    base::Complaint complaint = error.complaint();
    complaint.remedy =
        fmt::format("the points are kept in {}: make room, or ecphory collect {} --output a file elsewhere",
                    session.folder.string(), session.folder.string());
    throw UserError(complaint);
  }
  print_outcome(session, arguments, ledger, seconds);
  const std::string left = shortcomings(session, ledger);
  if (!left.empty()) {
    fmt::print(stderr, "{}", left);
    return kPointsFailed;
  }
  remove_if_ours(session);
  return kDone;
}

}  // namespace

/// A time that a clock can count; CLI11 wants the complaint, empty for none.
static std::string at_most_years(const std::string& text) {
  double seconds = NAN;
  const bool number = CLI::detail::lexical_cast(text, seconds);
  return number && seconds >= 0 && seconds <= 1e9 ? "" : text + " is no number of seconds from 0 to 1e9";
}

void add_execution(CLI::App& verb, Execution& execution) {
  verb.add_option("--threads,-t", execution.threads, "threads; default: all cores")
      ->check(CLI::Range(1, 4096));
  verb.add_option("--device", execution.device, "cpu or cuda: where the points run; default: cpu")
      ->check(CLI::IsMember({"cpu", "cuda"}));
  verb.add_option(
          "--together", execution.together,
          "at most so many points are run as one problem, by experiments that can; default: 1, on a GPU 64")
      ->check(CLI::Range(1, 4096));
  verb.add_option("--point-timeout", execution.point_timeout, "seconds after which a point has failed")
      ->check(CLI::Validator(at_most_years, "SECONDS"));
  verb.add_option("--commit-every", execution.commit_every,
                  "seconds after which done points are safe on disk; default: 60")
      ->check(CLI::Validator(at_most_years, "SECONDS"));
  verb.add_flag("--fail-fast", execution.fail_fast, "stop at the first point that fails");
}

void add_run(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<RunArguments>();
  CLI::App* const verb = app.add_subcommand("run", "Run an experiment file and write its results as HDF5");
  verb->add_option("EXPERIMENT.toml", arguments->file, "the experiment file")->required();
  verb->add_option("--output,-o", arguments->output,
                   "the file to write; default: the experiment file's name with .h5");
  verb->add_option("--set", arguments->overrides, "key=value, instead of what the file says; may be repeated")
      ->allow_extra_args(false);
  verb->add_flag("--resume", arguments->resume,
                 "go on with what an interrupted run has left; do what is missing");
  verb->add_option("--shard", arguments->shard,
                   "i/n: do one of n parts, for ecphory collect to put together");
  add_execution(*verb, arguments->execution);
  verb->add_flag("--dry-run", arguments->dry_run, "check everything, time a few points, print the plan");
  verb->add_flag("--force", arguments->force, "begin again, and overwrite an existing output");
  verb->add_flag("--json", arguments->as_json, "print for a machine");
  verb->callback([&exit_code, arguments] {
    if (arguments->shard) sweep::part_of_text(*arguments->shard);
    if (arguments->output.empty()) arguments->output = fs::path(arguments->file).stem().string() + ".h5";
    const fs::path folder = sweep_folder(arguments->output);
    const bool checked = (arguments->resume || arguments->shard) && fs::exists(folder / sweep::kPlanFile);
    Session session{.request = read_request(arguments->file, arguments->overrides,
                                            checked ? sweep::PointCheck::no : sweep::PointCheck::yes),
                    .output = arguments->output,
                    .folder = folder,
                    .file = {},
                    .command = command_of(*arguments)};
    check_execution(arguments->execution, session.request.plan);
    check_places(session, *arguments);
    if (arguments->dry_run) {
      dry_run(session, arguments->execution, arguments->as_json);
      return;
    }
    if ((arguments->resume || arguments->shard) && plan_of(session.output) == session.request.plan.hash() &&
        is_finished(session)) {
      fmt::print("{}\n", session.output.string());
      fmt::print(stderr, "nothing is missing\n");
      return;
    }
    exit_code = kRunFailed;  // of whatever is thrown from here on
    exit_code = run(session, *arguments);
  });
}

}  // namespace ecphory::app
