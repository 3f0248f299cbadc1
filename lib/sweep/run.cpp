#include "ecphory/sweep/run.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <exception>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <numeric>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/exception_slot.hpp"
#include "ecphory/base/nearest.hpp"
#include "ecphory/compute/blas.hpp"
#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/sweep/committer.hpp"
#include "ecphory/sweep/confidence.hpp"
#include "ecphory/sweep/group.hpp"
#include "ecphory/sweep/threads.hpp"

namespace ecphory::sweep {
namespace {

/// "3 failed trajectories" when the array of that name counts any.
std::string failed_parts(const store::Dataset& arrays) {
  const store::LabelledArray* const failed = arrays.find(kFailedParts);
  if (failed == nullptr) return "";
  const auto& counts = std::get<std::vector<std::int64_t>>(failed->values);
  const std::int64_t count = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  if (count == 0) return "";
  std::string text = fmt::format("{} {}", count, kFailedParts);
  std::ranges::replace(text, '_', ' ');
  return text;
}

/// What came of a run, one of `in_hand` at once: `arrays_of` returns its arrays or throws.
template <class ArraysOf>
Record record_of(std::size_t run, std::size_t in_hand, const ArraysOf& arrays_of) {
  Record record{.run = run};
  try {
    record.arrays = arrays_of();
    record.message = failed_parts(*record.arrays);
    record.status = RunStatus::done;
  } catch (const base::Bug&) {
    throw;
  } catch (const std::bad_alloc&) {
    record.message = in_hand == 1 ? "there is not enough memory for this point"
                                  : fmt::format(
                                        "there is not enough memory for {} points at once\n"
                                        "  remedy: allow fewer with --together",
                                        in_hand);
    record.status = RunStatus::failed;
  } catch (const std::exception& error) {
    record.message = error.what();
    record.status = RunStatus::failed;
  }
  return record;
}

RunContext context_of(const Plan& plan, std::size_t run, const RunContext& common) {
  RunContext context = common;
  context.key = plan.random_key(run);
  return context;
}

Record run_alone(const Plan& plan, std::size_t run, const RunContext& common) {
  return record_of(run, 1,
                   [&] { return plan.experiment.run(plan.point(run), context_of(plan, run, common)); });
}

std::vector<Record> run_together(const Plan& plan, std::span<const std::size_t> runs,
                                 const RunContext& common) {
  std::vector<base::Point> points;
  std::vector<RunContext> contexts;
  for (const std::size_t run : runs) {
    points.push_back(plan.point(run));
    contexts.push_back(context_of(plan, run, common));
  }
  std::vector<Outcome> outcomes = run_group(plan.experiment, points, contexts);
  std::vector<Record> records;
  for (std::size_t k = 0; k < runs.size(); ++k) {
    records.push_back(record_of(runs[k], runs.size(), [&] {
      if (const auto* const trouble = std::get_if<std::exception_ptr>(&outcomes[k])) {
        base::ensure(*trouble != nullptr, "an outcome without arrays says why");
        std::rethrow_exception(*trouble);
      }
      return std::get<store::Dataset>(std::move(outcomes[k]));
    }));
  }
  return records;
}

/// The number that a stop rule looks at.
std::optional<double> result_of(const StopRule& rule, const store::Dataset& arrays) {
  const store::LabelledArray* const array = arrays.find(rule.result);
  if (array == nullptr || !array->shape.empty() ||
      !std::holds_alternative<std::vector<double>>(array->values)) {
    std::vector<std::string> numbers;
    for (const store::LabelledArray& one : arrays.arrays) {
      if (one.shape.empty() && std::holds_alternative<std::vector<double>>(one.values))
        numbers.push_back(one.name);
    }
    const std::string nearest = base::nearest_name(rule.result, numbers);
    throw base::UserError({.key = "sweep.stop.result",
                           .problem = fmt::format("\"{}\" is no result that is one real number", rule.result),
                           .expected = fmt::format("one of {}", fmt::join(numbers, ", ")),
                           .remedy = nearest.empty() ? "" : fmt::format("did you mean \"{}\"?", nearest)});
  }
  return std::get<std::vector<double>>(array->values).front();
}

/// What other shards have of the number that the plan's stop rule looks at, by run.
std::map<std::size_t, double> known_results(const Plan& plan, const Ledger& ledger) {
  std::map<std::size_t, double> known;
  if (!plan.stop) return known;
  for (const Shard& shard : ledger.shards) {
    if (shard.rows.empty()) continue;
    const store::Reader reader(shard.path);  // which may have more runs than when the ledger was made
    const store::Values runs = reader.read("run");
    const store::Values results = reader.read(plan.stop->result);
    const auto* const values = std::get_if<std::vector<double>>(&results);
    base::ensure(values != nullptr && values->size() == store::size_of(runs),
                 "a stop rule looks at one number");
    for (std::size_t k = 0; k < values->size(); ++k)
      known[static_cast<std::size_t>(std::get<std::vector<std::int64_t>>(runs)[k])] = (*values)[k];
  }
  return known;
}

/// What one thread does at a time: a group, or the replicates of a point that a stop rule may end.
std::vector<std::vector<std::size_t>> items_of(const Plan& plan, const std::vector<std::size_t>& runs,
                                               std::size_t together) {
  if (!plan.stop) return groups_of(plan, runs, together);
  std::vector<std::vector<std::size_t>> items;
  for (const std::size_t run : runs) {
    const bool same =
        !items.empty() && items.back().back() / plan.replicate_count() == run / plan.replicate_count();
    if (!same) items.emplace_back();
    items.back().push_back(run);
  }
  return items;
}

/// One call of run(): what its threads share.
class Runner {
 public:
  Runner(const Plan& plan, const Ledger& ledger, const std::filesystem::path& folder,
         const RunOptions& options)
      : plan_(plan),
        options_(options),
        known_(known_results(plan, ledger)),
        committer_(folder, options.name, plan.hash(), options.commit_every, options.attributes) {}

  Report run(const std::vector<std::size_t>& runs) {
    const std::vector<std::vector<std::size_t>> items = items_of(plan_, runs, options_.together);
    const std::size_t n = items.size();
    const bool side_by_side = n > 1 && (options_.device == compute::kCpu || options_.threads > 0);
    {
      const std::jthread watcher([this](const std::stop_token& stop) { watch(stop); });
#pragma omp parallel for schedule(dynamic) if (side_by_side)
      for (std::size_t i = 0; i < n; ++i) trouble_.run([&] { run_item(items[i]); });
    }
    if (!trouble_.failed()) trouble_.run([&] { committer_.commit(); });
    trouble_.rethrow();
    std::ranges::sort(report_.failures, {}, &Failure::index);
    return std::move(report_);
  }

 private:
  bool is_over() const {
    return failed_fast_ || (options_.cancel != nullptr && options_.cancel->requested());
  }

  void run_item(const std::vector<std::size_t>& item) {
    if (plan_.stop) return run_replicates(item);
    if (is_over()) return;
    for (Record& record : finish(item)) keep(std::move(record));
  }

  /// Those of a point, in their order, until they are enough.
  void run_replicates(const std::vector<std::size_t>& item) {
    const std::size_t first = item.front() / plan_.replicate_count() * plan_.replicate_count();
    std::vector<std::optional<double>> results;
    std::deque<Record> ahead;  // runs that were done with those before them
    bool settled = false;
    for (std::size_t run = first; run < first + plan_.replicate_count(); ++run) {
      if (ahead.empty() && is_over()) return;
      settled = settled || enough(*plan_.stop, results);
      if (settled) ahead.clear();
      const auto place = std::ranges::lower_bound(item, run);
      const bool ours = place != item.end() && *place == run;
      if (!ours) {
        const auto known = known_.find(run);
        if (!settled) results.push_back(known == known_.end() ? std::nullopt : std::optional(known->second));
        continue;
      }
      if (settled) {
        keep({.run = run, .status = RunStatus::not_needed});
        continue;
      }
      if (ahead.empty()) ahead = finish_some(std::span(place, item.end()));
      results.push_back(ahead.front().arrays ? result_of(*plan_.stop, *ahead.front().arrays) : std::nullopt);
      keep(std::move(ahead.front()));
      ahead.pop_front();
    }
  }

  /// The first of `runs`, as many as are one problem.
  std::deque<Record> finish_some(std::span<const std::size_t> runs) {
    const std::size_t most = largest_group(plan_, options_.together);
    std::vector<Record> records = finish(runs.first(std::min(runs.size(), most)));
    return {std::make_move_iterator(records.begin()), std::make_move_iterator(records.end())};
  }

  std::vector<Record> finish(std::span<const std::size_t> runs) {
    const auto start = std::chrono::steady_clock::now();
    const double timeout = options_.point_timeout * static_cast<double>(runs.size());
    const RunContext common{
        .scratch = scratch(),
        .deadline = std::isfinite(timeout) ? base::Deadline(timeout) : base::Deadline(),
        .device = options_.device,
    };
    std::vector<Record> records;
    if (!plan_.experiment.together || (runs.size() == 1 && options_.device == compute::kCpu)) {
      records.push_back(run_alone(plan_, runs.front(), common));
    } else {
      records = run_together(plan_, runs, common);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    for (Record& record : records) record.seconds = took.count() / static_cast<double>(runs.size());
    return records;
  }

  std::shared_ptr<store::Scratch> scratch() {
    const std::scoped_lock lock(mutex_);
    return committer_.scratch();
  }

  void keep(Record record) {
    const std::scoped_lock lock(mutex_);
    finished_ += 1;
    if (record.status == RunStatus::done) ++report_.done;
    if (!record.message.empty()) {
      report_.failures.push_back({record.run, record.message});
      if (options_.fail_fast) failed_fast_ = true;
    }
    committer_.add(std::move(record));
    show_progress();
  }

  void show_progress() const {
    if (options_.on_progress) options_.on_progress(finished_, report_.failures.size());
  }

  /// Commits when it is time to, and once more as soon as the sweep is to end.
  void watch(const std::stop_token& stop) {
    bool ending = false;
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested() && !trouble_.failed()) {
      using namespace std::chrono_literals;
      wake_.wait_for(lock, stop, 100ms, [] { return false; });
      trouble_.run([&] {
        const bool first_sign = is_over() && !std::exchange(ending, true);
        first_sign ? committer_.commit() : committer_.commit_if_due();
        show_progress();
      });
    }
  }

  const Plan& plan_;
  const RunOptions& options_;
  const std::map<std::size_t, double> known_;
  std::mutex mutex_;  ///< of what follows
  std::condition_variable_any wake_;
  Committer committer_;
  Report report_;
  std::size_t finished_ = 0;
  std::atomic<bool> failed_fast_ = false;
  base::ExceptionSlot trouble_;
};

}  // namespace

Report run(const Plan& plan, const std::vector<std::size_t>& runs, const Ledger& ledger,
           const std::filesystem::path& folder, const RunOptions& options) {
  base::ensure(options.together >= 1, "there is a run in a group");
  base::ensure(plan.experiment.together || options.together == 1,
               "the experiment runs its points one by one");
  base::ensure(plan.experiment.runs_on_gpu() || options.device == compute::kCpu,
               "the experiment runs its points on the CPU");
  const compute::SingleThreadedBlas one_blas_thread;
  const ThreadCount threads(options.threads);
  return Runner(plan, ledger, folder, options).run(runs);
}

}  // namespace ecphory::sweep
