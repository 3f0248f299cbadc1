#include "ecphory/sweep/ledger.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ecphory/base/error.hpp"
#include "ecphory/store/seal.hpp"

namespace ecphory::sweep {
namespace {

namespace fs = std::filesystem;

/// Of two records of one run the one of higher rank holds.
int rank(RunStatus status, bool with_message) {
  switch (status) {
    case RunStatus::missing:
      return 0;
    case RunStatus::failed:
      return 1;
    case RunStatus::not_needed:
      return 2;
    case RunStatus::done:
      return with_message ? 3 : 4;
  }
  return 0;
}

void enter(const Shard& shard, std::uint32_t place, Ledger& ledger) {
  for (const Record& record : shard.records) {
    if (record.run >= ledger.status.size())
      throw base::UserError(
          {.where = shard.path.string(), .problem = "has a run that the plan does not have"});
    RunStatus& status = ledger.status[record.run];
    const int before = rank(status, ledger.messages.contains(record.run));
    const int here = rank(record.status, !record.message.empty());
    if (here < before || (here == before && record.status != RunStatus::failed)) continue;
    status = record.status;
    ledger.shard_of[record.run] = place;
    ledger.seconds += record.seconds;
    ledger.messages.erase(record.run);
    if (!record.message.empty()) ledger.messages[record.run] = record.message;
  }
}

}  // namespace

std::size_t Ledger::count(RunStatus wanted) const {
  return static_cast<std::size_t>(std::ranges::count(status, wanted));
}

std::string Ledger::devices() const {
  std::set<std::string> names;
  for (std::size_t run = 0; run < status.size(); ++run) {
    if (status[run] == RunStatus::done) names.insert(shards[shard_of[run]].device);
  }
  names.erase("");  // of shards that do not say
  return fmt::format("{}", fmt::join(names, ", "));
}

std::vector<std::size_t> Ledger::failed() const {
  std::vector<std::size_t> runs;
  for (std::size_t run = 0; run < status.size(); ++run) {
    if (status[run] == RunStatus::failed || messages.contains(run)) runs.push_back(run);
  }
  return runs;
}

Ledger survey(const PlanFile& plan, Look look) {
  Ledger ledger;
  ledger.status.resize(plan.size(), RunStatus::missing);
  ledger.shard_of.resize(plan.size(), 0);
  for (const fs::path& path : shard_files(plan.path.parent_path())) {
    std::string damage = look == Look::closely ? store::damage_of(path) : store::apparent_damage_of(path);
    if (damage.empty()) {
      try {
        ledger.shards.push_back(read_shard(path, plan.hash));
        continue;
      } catch (const base::UserError&) {
        damage = store::damage_of(path);
        if (damage.empty()) throw;  // whole, and not ours
      }
    }
    ledger.damaged.push_back({path, damage});
  }
  std::ranges::stable_sort(ledger.shards, {}, &Shard::end);
  for (std::size_t i = 0; i < ledger.shards.size(); ++i)
    enter(ledger.shards[i], static_cast<std::uint32_t>(i), ledger);
  return ledger;
}

std::vector<std::string> set_aside(const std::vector<Ledger::Damage>& damaged) {
  std::vector<std::string> messages;
  for (const Ledger::Damage& damage : damaged) {
    const fs::path aside = damage.path.string() + ".damaged";
    std::error_code error;
    fs::rename(damage.path, aside, error);
    messages.push_back(fmt::format(
        "{} is damaged: {}; {}", damage.path.string(), damage.what,
        error ? "setting it aside failed: " + error.message()
              : fmt::format("it is now {}, and its points are missing", aside.filename().string())));
  }
  return messages;
}

}  // namespace ecphory::sweep
