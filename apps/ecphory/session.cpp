#include "session.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>

#include <fmt/format.h>

#include "ecphory/base/cancel.hpp"
#include "ecphory/base/error.hpp"
#include "ecphory/base/progress.hpp"
#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/store/hdf5_write.hpp"
#include "ecphory/store/provenance.hpp"
#include "ecphory/sweep/group.hpp"
#include "ecphory/sweep/run.hpp"

namespace ecphory::app {
namespace {

namespace fs = std::filesystem;
using base::UserError;

void report(const sweep::Plan& plan, const std::vector<sweep::Failure>& failures) {
  constexpr std::size_t kShown = 10;
  for (std::size_t i = 0; i < std::min(failures.size(), kShown); ++i)
    fmt::print(stderr, "failed: {}: {}\n", plan.label(failures[i].index), failures[i].message);
  if (failures.size() > kShown)
    fmt::print(stderr, "… and {} more; `message` in the file has all\n", failures.size() - kShown);
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

void replace_attribute(store::Attributes& attributes, const std::string& name,
                       const store::Attribute& value) {
  for (auto& [key, old] : attributes) {
    if (key == name) old = value;
  }
}

}  // namespace

compute::Device device_of(const Execution& execution) {
  return execution.device == "cuda" ? compute::Device{compute::Device::Kind::cuda, 0} : compute::kCpu;
}

std::size_t together_of(const Execution& execution, const sweep::Experiment& experiment) {
  constexpr std::size_t kOnGpu = 64;
  const bool many = device_of(execution) != compute::kCpu && experiment.together;
  return execution.together.value_or(many ? kOnGpu : 1);
}

std::string device_words(const Execution& execution) {
  return device_of(execution) == compute::kCpu ? "" : " --device " + execution.device;
}

void check_execution(const Execution& execution, const sweep::Plan& plan) {
  sweep::check_execution(plan, device_of(execution), together_of(execution, plan.experiment));
}

fs::path sweep_folder(const fs::path& output) {
  if (output.extension() == ".h5") return fs::path(output).replace_extension(".sweep");
  return output.string() + ".sweep";
}

Session open_session(const fs::path& plan, const std::string& command) {
  Session session{
      .request = {}, .output = {}, .folder = {}, .file = sweep::read_plan(plan), .command = command};
  session.folder = session.file.path.parent_path();
  session.output = (session.folder / ".." / session.file.output).lexically_normal();
  session.request = request_of_config(session.file.config, session.file.path.string());
  sweep::ensure_reproduced(session.file, session.request.plan);
  return session;
}

sweep::Ledger look(const Session& session) {
  sweep::Ledger ledger = sweep::survey(session.file, sweep::Look::closely);
  for (const std::string& message : sweep::set_aside(ledger.damaged)) fmt::print(stderr, "{}\n", message);
  return ledger;
}

Executed execute(const Session& session, const sweep::Ledger& ledger, const std::vector<std::size_t>& runs,
                 const std::string& name, const Execution& execution) {
  base::CancellationToken cancel;
  const base::SignalWatch watch(cancel);
  const auto start = std::chrono::system_clock::now();
  const sweep::Plan& plan = session.request.plan;
  sweep::RunOptions options{.threads = execution.threads,
                            .device = device_of(execution),
                            .together = together_of(execution, plan.experiment),
                            .commit_every = execution.commit_every,
                            .fail_fast = execution.fail_fast,
                            .name = name,
                            .cancel = &cancel,
                            .attributes = [&] {
                              return store::attributes_of({.title = session.request.title,
                                                           .experiment = plan.experiment.name,
                                                           .device = compute::to_string(device_of(execution)),
                                                           .command = session.command,
                                                           .seed = plan.seed,
                                                           .start = start,
                                                           .end = std::chrono::system_clock::now()});
                            }};
  if (execution.point_timeout > 0) options.point_timeout = execution.point_timeout;
  sweep::Report result;
  {
    base::Progress progress("points", runs.size(), stderr);
    options.on_progress = [&](std::size_t done, std::size_t failed) { progress.update(done, failed); };
    try {
      result = sweep::run(plan, sweep::longest_first(plan, runs), ledger, session.folder, options);
    } catch (const UserError& error) {
      base::Complaint complaint = error.complaint();
      if (!sweep::shard_files(session.folder).empty()) {
        complaint.remedy =
            fmt::format("what was committed before is kept in {}; make room and go on with --resume",
                        session.folder.string());
      }
      throw UserError(complaint);
    }
  }
  report(plan, result.failures);
  return {.done = result.done, .failed = result.failures.size(), .signal = cancel.signal()};
}

void check_collected(const Session& session, const sweep::Ledger& ledger) {
  if (plan_of(session.output) != session.file.hash) return;
  const auto is_done = [](auto status) {
    return static_cast<sweep::RunStatus>(status) == sweep::RunStatus::done ||
           static_cast<sweep::RunStatus>(status) == sweep::RunStatus::not_needed;
  };
  const store::Values values = store::Reader(session.output).read("status");
  const auto there = std::ranges::count_if(std::get<std::vector<std::uint8_t>>(values), is_done);
  const auto here = std::ranges::count_if(ledger.status, is_done);
  if (here >= there) return;
  throw UserError({.key = session.output.string(),
                   .problem = fmt::format("has {} points of this sweep; the shards have {}", there, here),
                   .remedy = "collect into another file by --output, or replace it by --force"});
}

void check_outside(const Session& session) {
  if (fs::weakly_canonical(folder_of(session.output)) != fs::weakly_canonical(session.folder)) return;
  throw UserError({.key = session.output.string(),
                   .problem = "lies in the folder of the sweep",
                   .expected = "a file elsewhere",
                   .remedy = "choose another place with --output"});
}

void write_collected(const Session& session, const sweep::Ledger& ledger, bool replace,
                     sweep::Storage storage) {
  store::WriteOptions options = session.request.write;
  if (!replace) check_collected(session, ledger);
  const bool same = plan_of(session.output) == session.file.hash;
  options.existing = replace || same ? store::Existing::replace : store::Existing::refuse;
  store::Dataset dataset = sweep::collect(session.request.plan, ledger, storage, folder_of(session.output));
  dataset.attributes = session.file.provenance;
  std::string end;
  for (const sweep::Shard& shard : ledger.shards) end = std::max(end, shard.end);
  if (!end.empty()) replace_attribute(dataset.attributes, "end_time", end);
  const std::string devices = ledger.devices();
  if (!devices.empty()) replace_attribute(dataset.attributes, "device", devices);
  dataset.attributes.emplace_back("plan", sweep::hash_text(session.file.hash));
  dataset.arrays.push_back({.name = "config",
                            .dimensions = {},
                            .shape = {},
                            .values = std::vector{session.request.config},
                            .long_name = "the experiment file, every key resolved"});
  store::write(session.output, dataset, options);
}

std::optional<std::uint64_t> plan_of(const fs::path& file) {
  try {
    if (!fs::is_regular_file(file)) return std::nullopt;
    const store::Dataset layout = store::read(file, "/", 0);
    const std::string text = sweep::text_attribute(layout, "plan");
    if (text.empty() || layout.find("status") == nullptr) return std::nullopt;
    return std::strtoull(text.c_str(), nullptr, 16);
  } catch (const UserError&) {
    return std::nullopt;  // no HDF5 file, or not one of ours
  }
}

void remove_if_ours(const Session& session) {
  const bool of_runs = std::ranges::all_of(sweep::shard_files(session.folder), [](const fs::path& shard) {
    const std::string name = shard.filename().string();
    return name.starts_with(sweep::name_of(sweep::Part{}) + ".") || name.starts_with(kRetry);
  });
  if (of_runs) return sweep::remove_sweep(session.folder);
  fmt::print(stderr, "{} has all of it; {} is not needed any more\n", session.output.string(),
             session.folder.string());
}

std::string shortcomings(const Session& session, const sweep::Ledger& ledger) {
  const std::size_t failed = ledger.failed().size();
  const std::size_t missing = ledger.count(sweep::RunStatus::missing);
  std::string text;
  if (failed > 0)
    text +=
        fmt::format("{} points failed: ecphory retry {} runs them again\n", failed, session.folder.string());
  if (missing > 0) text += fmt::format("{} points are missing: ecphory run … --resume runs them\n", missing);
  return text;
}

}  // namespace ecphory::app
