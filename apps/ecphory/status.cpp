#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ecphory/sweep/ledger.hpp"

#include "duration_text.hpp"
#include "verbs.hpp"

namespace ecphory::app {
namespace {

using nlohmann::json;
using sweep::RunStatus;

/// Seconds since 1970 of "2026-11-24T18:00:00Z"; NaN when it is not that.
double seconds_of(const std::string& time) {
  std::tm parts{};
  if (strptime(time.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts) == nullptr) return NAN;
  return static_cast<double>(timegm(&parts));
}

/// How fast the sweep is going.
struct Pace {
  std::size_t processes = 0;  ///< that have committed a short while ago
  double rate = 0;            ///< points a second, of those together
  double since = NAN;         ///< seconds since the last commit of any
};

Pace pace_of(const sweep::Ledger& ledger) {
  constexpr double kShort = 180;
  struct Process {
    double points = 0;
    double end = 0;
  };
  std::map<std::pair<std::string, std::string>, Process> processes;
  for (const sweep::Shard& shard : ledger.shards) {
    Process& process = processes[{shard.host, shard.start}];
    process.points += static_cast<double>(shard.records.size());
    process.end = std::max(process.end, seconds_of(shard.end));
  }
  Pace pace;
  const auto now = static_cast<double>(std::time(nullptr));
  double last = -INFINITY;
  for (const auto& [name, process] : processes) {
    last = std::max(last, process.end);
    if (now - process.end > kShort) continue;
    ++pace.processes;
    pace.rate += process.points / std::max(process.end - seconds_of(name.second), 1.0);
  }
  if (!processes.empty()) pace.since = std::max(now - last, 0.0);
  return pace;
}

std::vector<std::pair<std::string, std::size_t>> grouped(const sweep::Ledger& ledger) {
  std::map<std::string, std::size_t> counts;
  for (const auto& [run, message] : ledger.messages) ++counts[message];
  std::vector<std::pair<std::string, std::size_t>> list(counts.begin(), counts.end());
  std::ranges::stable_sort(list, std::greater<>(), &std::pair<std::string, std::size_t>::second);
  return list;
}

void print_json(const sweep::PlanFile& plan, const sweep::Ledger& ledger, const Pace& pace) {
  const std::size_t missing = ledger.count(RunStatus::missing);
  json failures = json::array();
  for (const auto& [message, count] : grouped(ledger))
    failures.push_back({{"message", message}, {"points", count}});
  json damaged = json::array();
  for (const auto& damage : ledger.damaged)
    damaged.push_back({{"shard", damage.path.string()}, {"damage", damage.what}});
  json said = {{"plan", sweep::hash_text(plan.hash)},
               {"experiment", plan.experiment},
               {"runs", plan.size()},
               {"done", ledger.count(RunStatus::done)},
               {"failed", ledger.failed().size()},
               {"not_needed", ledger.count(RunStatus::not_needed)},
               {"missing", missing},
               {"shards", ledger.shards.size()},
               {"seconds_a_run", nullptr},
               {"processes", pace.processes},
               {"rate", pace.rate},
               {"seconds_left", nullptr},
               {"failures", failures},
               {"damaged", damaged}};
  const std::size_t run = ledger.count(RunStatus::done) + ledger.count(RunStatus::failed);
  if (run > 0) said["seconds_a_run"] = ledger.seconds / static_cast<double>(run);
  if (pace.rate > 0) said["seconds_left"] = static_cast<double>(missing) / pace.rate;
  fmt::print("{}\n", said.dump(2));
}

void print_text(const sweep::PlanFile& plan, const sweep::Ledger& ledger, const Pace& pace) {
  const std::size_t missing = ledger.count(RunStatus::missing);
  const std::size_t run = ledger.count(RunStatus::done) + ledger.count(RunStatus::failed);
  fmt::print("{}: {} runs of {}, {} shards\n", plan.path.parent_path().string(), plan.size(), plan.experiment,
             ledger.shards.size());
  fmt::print("  {:>9} done\n  {:>9} failed, in whole or in part\n  {:>9} missing\n",
             ledger.count(RunStatus::done), ledger.failed().size(), missing);
  if (const std::size_t needless = ledger.count(RunStatus::not_needed); needless > 0)
    fmt::print("  {:>9} not needed: the replicates before them were enough\n", needless);
  if (run > 0) fmt::print("{:.3g} s a run\n", ledger.seconds / static_cast<double>(run));
  if (missing > 0 && pace.rate > 0) {
    fmt::print("{:.3g} runs/s by {} {}, about {} left\n", pace.rate, pace.processes,
               pace.processes == 1 ? "process" : "processes",
               duration_text(static_cast<double>(missing) / pace.rate));
  } else if (missing > 0 && !std::isnan(pace.since)) {
    fmt::print("nothing was committed for {}: ecphory run … --resume goes on\n", duration_text(pace.since));
  }
  constexpr std::size_t kShown = 10;
  const auto failures = grouped(ledger);
  for (std::size_t i = 0; i < std::min(failures.size(), kShown); ++i)
    fmt::print("{} {} failed: {}\n", failures[i].second, failures[i].second == 1 ? "run" : "runs",
               failures[i].first);
  if (failures.size() > kShown) fmt::print("… and {} other messages\n", failures.size() - kShown);
  for (const auto& damage : ledger.damaged) {
    fmt::print("{} is damaged: {}; --resume sets it aside and runs its points again\n", damage.path.string(),
               damage.what);
  }
  std::set<std::string> commits = {plan.commit};
  for (const sweep::Shard& shard : ledger.shards) commits.insert(shard.commit);
  if (commits.size() > 1)
    fmt::print("the plan and the shards are of {} different builds of ecphory\n", commits.size());
}

}  // namespace

void add_status(CLI::App& app, int& exit_code) {
  struct Arguments {
    std::string plan;
    bool as_json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* const verb = app.add_subcommand("status", "Show how far a sweep is, and what failed");
  verb->add_option("PLAN", arguments->plan, "the sweep: its folder, or the plan in it")->required();
  verb->add_flag("--json", arguments->as_json, "print for a machine");
  verb->callback([&exit_code, arguments] {
    const sweep::PlanFile plan = sweep::read_plan(arguments->plan);
    const sweep::Ledger ledger = sweep::survey(plan, sweep::Look::quick);
    const Pace pace = pace_of(ledger);
    arguments->as_json ? print_json(plan, ledger, pace) : print_text(plan, ledger, pace);
    exit_code = kDone;
  });
}

}  // namespace ecphory::app
