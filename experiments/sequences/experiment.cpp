// How a memory recalls a sequence of patterns: whether in their order, and how long it stays at each.

#include <cmath>
#include <numeric>

#include "ecphory/base/wilson.hpp"
#include "ecphory/experiments/experiments.hpp"
#include "ecphory/experiments/memory_runs.hpp"

namespace ecphory::experiments {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

struct SequenceSettings {
  std::int64_t transitions = 0;
  double interval = 1;
};

const base::ParameterTable<SequenceSettings>& table() {
  using S = SequenceSettings;
  static const auto table = base::ParameterTable<S>("task").add(
      "transitions", &S::transitions, "1",
      "a sequence is recalled when the first so many transitions are in order; 0: one fewer than patterns",
      base::between(0, 1e9));
  return table;
}

const base::ParameterTable<SequenceSettings>& record_table() {
  using S = SequenceSettings;
  static const auto table = base::ParameterTable<S>("record").add(
      "interval", &S::interval, "ms", "how often a trajectory is looked at: what dwell times are known to",
      base::above(0));
  return table;
}

/// A stay at one pattern, and when it was first seen there.
struct Visit {
  Index pattern;
  double since;  // ms
};

/// The patterns that a course of overlaps (M, times) comes to, and at how many times it is at none. Between
/// two of them it may be at none for a while; a pattern that comes back after that is one visit.
std::pair<std::vector<Visit>, Index> visits_of(const MatrixXd& overlaps, const std::vector<double>& times,
                                               double threshold) {
  std::vector<Visit> visits;
  Index lost = 0;
  for (Index k = 0; k < overlaps.cols(); ++k) {
    Index at = 0;
    if (!(overlaps.col(k).maxCoeff(&at) > threshold)) {
      ++lost;
    } else if (visits.empty() || visits.back().pattern != at) {
      visits.push_back({at, times[static_cast<std::size_t>(k)]});
    }
  }
  return {visits, lost};
}

/// What all trajectories of a point add up to.
struct Score {
  std::int64_t recalled = 0;
  std::int64_t transitions = 0;
  std::int64_t in_order = 0;
  Index lost = 0;
  std::vector<double> dwells = {};  // ms
};

/// The first visit has no arrival and the last no end: neither has a dwell time.
void add(Score& score, const std::vector<Visit>& visits, Index patterns, std::int64_t wanted) {
  std::int64_t without_error = 0;
  bool good = true;
  for (std::size_t k = 1; k < visits.size(); ++k) {
    const bool next = visits[k].pattern == (visits[k - 1].pattern + 1) % patterns;
    good = good && next;
    score.in_order += next ? 1 : 0;
    without_error += good ? 1 : 0;
    if (k > 1) score.dwells.push_back(visits[k].since - visits[k - 1].since);
  }
  if (!visits.empty()) score.transitions += static_cast<std::int64_t>(visits.size()) - 1;
  score.recalled += without_error >= wanted ? 1 : 0;
}

void add_proportion(store::Dataset& result, const std::string& name, std::int64_t successes,
                    std::int64_t trials, const char* long_name) {
  base::Proportion share{.value = std::nan(""), .low = std::nan(""), .high = std::nan("")};
  if (trials > 0) share = base::wilson_interval(successes, trials);
  result.arrays.push_back(store::scalar(name, share.value, "1", long_name));
  result.arrays.push_back(
      store::scalar(name + "_low", share.low, "1", "lower end of the 95% Wilson interval"));
  result.arrays.push_back(
      store::scalar(name + "_high", share.high, "1", "upper end of the 95% Wilson interval"));
}

store::Dataset run(const base::Point& point, const sweep::RunContext& context) {
  const MemoryRun memory = prepare_memory(point, context.key);
  const double threshold = criterion_table().read(point).retrieved_above;
  const IntegratorSettings settings = integrator_table().read(point);
  const Index patterns = memory.patterns.cols();
  const Index cues = memory.cues.cols();
  const std::int64_t asked = table().read(point).transitions;
  const double interval = record_table().read(point).interval;

  dynamics::SimulationOptions<double> options = simulation_options(settings, context);
  for (double k = 0; k * interval <= settings.duration; ++k) options.record_times.push_back(k * interval);
  const auto simulation = dynamics::simulate<double>(memory.network, memory.initial, options);

  Score score;
  for (Index j = 0; j < cues; ++j) {
    const MatrixXd outputs = models::visible_output(memory.network, simulation.record->trajectory(j));
    const auto [visits, lost] =
        visits_of(models::overlaps(memory.patterns, outputs), options.record_times, threshold);
    add(score, visits, patterns, asked > 0 ? asked : patterns - 1);
    score.lost += lost;
  }
  const auto dwells = static_cast<double>(score.dwells.size());  // no dwell: 0/0 below, NaN as it should be
  const double mean = std::reduce(score.dwells.begin(), score.dwells.end()) / dwells;
  double squares = 0;
  for (const double dwell : score.dwells) squares += (dwell - mean) * (dwell - mean);

  const auto of_cues = [&](auto sum) { return static_cast<double>(sum) / static_cast<double>(cues); };
  store::Dataset result;
  add_proportion(result, "recalled", score.recalled, cues,
                 "fraction of cues from which the sequence is recalled in order");
  add_proportion(result, "in_order", score.in_order, score.transitions,
                 "fraction of transitions that lead to the next pattern");
  for (store::LabelledArray& array : std::vector{
           store::scalar("transitions", of_cues(score.transitions), "1", "transitions of a trajectory"),
           store::scalar("dwell", mean, "ms", "mean time from arriving at a pattern to arriving at another"),
           store::scalar("dwell_variance", squares / dwells, "ms^2", "variance of that time"),
           store::scalar("lost", of_cues(score.lost) / static_cast<double>(options.record_times.size()), "1",
                         "fraction of the time at which the output is near no pattern"),
           failed_trajectories(simulation)})
    result.arrays.push_back(std::move(array));
  return result;
}

}  // namespace

sweep::Experiment sequences() {
  std::vector<base::Parameter> own = criterion_table().parameters();
  for (const auto* more : {&table().parameters(), &record_table().parameters()})
    own.insert(own.end(), more->begin(), more->end());
  return {.name = "sequences",
          .title = "Whether a memory recalls a sequence of patterns, in which order and at which pace",
          .parameters = memory_experiment_parameters(own),
          .check = check_memory,
          .run = run,
          .cost = cost_of_memory,
          .check_on_gpu = check_memory_on_gpu};
}

}  // namespace ecphory::experiments
