// What one attention layer loses against the dynamics at rest, and how many layers make up for it.

#include <algorithm>
#include <cmath>

#include "ecphory/base/wilson.hpp"
#include "ecphory/bridge/agreement.hpp"
#include "ecphory/experiments/experiments.hpp"
#include "ecphory/experiments/memory_runs.hpp"
#include "ecphory/tasks/patterns.hpp"

namespace ecphory::experiments {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

struct Settings {
  double beta = 20;
  std::int64_t most_layers = 1000;
};

const base::ParameterTable<Settings>& model_table() {
  using S = Settings;
  static const auto table =
      base::ParameterTable<S>("model").add("beta", &S::beta, "1", "inverse temperature of the softmax",
                                           {.low = 0, .high = 1e30, .low_excluded = true});
  return table;
}

const base::ParameterTable<Settings>& bridge_table() {
  using S = Settings;
  static const auto table = base::ParameterTable<S>("bridge").add(
      "most_layers", &S::most_layers, "1", "layers after which nobody waits for rest", base::between(1, 1e7));
  return table;
}

/// τ is 1 ms: nothing here depends on it.
dynamics::Network<double> network_of(const MatrixXd& patterns, double beta) {
  dynamics::Network<double> network;
  const auto state = network.add_layer({.name = "state", .neurons = patterns.rows(), .tau = 1});
  const auto memory = network.add_layer(
      {.name = "memory", .neurons = patterns.cols(), .lagrangian = dynamics::LogSumExp{beta}, .tau = 0});
  network.add_synapse(dynamics::Symmetric<double>{state, memory, dynamics::weights<double>(patterns)});
  return network;
}

/// Mean cosine with the cues' own patterns, and how many are above the criterion.
struct Retrieval {
  double overlap = 0;
  std::int64_t retrieved = 0;
};
Retrieval retrieval_of(const MatrixXd& states, const MatrixXd& patterns, double above) {
  Retrieval result;
  for (Index j = 0; j < states.cols(); ++j) {
    const auto pattern = patterns.col(j % patterns.cols());
    const double cosine = states.col(j).dot(pattern) / (states.col(j).norm() * pattern.norm());
    result.overlap += cosine / static_cast<double>(states.cols());
    result.retrieved += cosine > above ? 1 : 0;
  }
  return result;
}

void add(store::Dataset& result, const std::string& name, const Retrieval& retrieval, Index cues,
         const std::string& when) {
  const base::Proportion share = base::wilson_interval(retrieval.retrieved, cues);
  result.arrays.push_back(
      store::scalar(name + "_overlap", retrieval.overlap, "1", "mean cosine with the cue's pattern " + when));
  result.arrays.push_back(
      store::scalar(name + "_retrieved", share.value, "1", "fraction of cues completed " + when));
  result.arrays.push_back(
      store::scalar(name + "_retrieved_low", share.low, "1", "lower end of the 95% Wilson interval " + when));
  result.arrays.push_back(store::scalar(name + "_retrieved_high", share.high, "1",
                                        "upper end of the 95% Wilson interval " + when));
}

store::Dataset run(const base::Point& point, const sweep::RunContext& context) {
  const tasks::PatternParameters task = tasks::pattern_table().read(point);
  const double above = criterion_table().read(point).retrieved_above;
  const std::int64_t most_layers = bridge_table().read(point).most_layers;
  const MatrixXd patterns = tasks::load_patterns(task, context.key).patterns;
  const MatrixXd cues = tasks::damaged(patterns, task.damage, task.level, task.cues, context.key);
  const dynamics::Network<double> network = network_of(patterns, model_table().read(point).beta);

  constexpr double kAtRest = 1e-6;
  constexpr double kLongest = 1000;  // time constants
  const auto rest = dynamics::simulate<double>(network, cues,
                                               {.duration = kLongest,
                                                .convergence = dynamics::Convergence{.bound = kAtRest},
                                                .deadline = context.deadline});
  const auto converged = std::ranges::count(rest.status, dynamics::Status::converged);

  const auto form = bridge::attention_form<double>(network, std::numeric_limits<double>::infinity(), 1);
  attention::StoredAttentionStack<double> layer(form.layer, cues.cols());
  const auto apply = [&](MatrixXd& x) { layer.forward({x.data(), x.rows(), x.cols(), x.rows()}); };
  MatrixXd x = cues;
  apply(x);
  const Retrieval one = retrieval_of(x, patterns, above);
  // Layers until the state is nearly where the dynamics rest, of each cue.
  std::vector<double> needed(static_cast<std::size_t>(cues.cols()), std::nan(""));
  for (std::int64_t layers = 1; layers <= most_layers; ++layers) {
    bool all = true;
    for (Index j = 0; j < cues.cols(); ++j) {
      double& of_cue = needed[static_cast<std::size_t>(j)];
      if (!std::isnan(of_cue)) continue;
      if ((x.col(j) - rest.state.col(j)).norm() <= 0.01 * rest.state.col(j).norm()) {
        of_cue = static_cast<double>(layers);
      } else {
        all = false;
      }
    }
    if (all) break;
    context.deadline.check();
    apply(x);
  }
  std::vector<double> came;
  std::ranges::copy_if(needed, std::back_inserter(came), [](double n) { return !std::isnan(n); });
  std::ranges::sort(came);

  store::Dataset result;
  add(result, "one_layer", one, cues.cols(), "after one layer");
  add(result, "at_rest", retrieval_of(rest.state, patterns, above), cues.cols(), "at rest");
  result.arrays.push_back(store::scalar("layers_needed", came.empty() ? std::nan("") : came[came.size() / 2],
                                        "1", "median layers to within 1% of the state at rest"));
  result.arrays.push_back(
      store::scalar("never_there", 1 - static_cast<double>(came.size()) / static_cast<double>(cues.cols()),
                    "1", "fraction of cues that layers take elsewhere than the dynamics"));
  result.arrays.push_back(
      store::scalar("not_at_rest", 1 - static_cast<double>(converged) / static_cast<double>(cues.cols()), "1",
                    "fraction of cues that did not come to rest within 1000 time constants"));
  return result;
}

double cost(const base::Point& point) {
  const tasks::PatternParameters task = tasks::pattern_table().read(point);
  return static_cast<double>(task.neurons * tasks::pattern_count(task)) * static_cast<double>(task.cues);
}

}  // namespace

sweep::Experiment one_step() {
  std::vector<base::Parameter> parameters = model_table().parameters();
  for (const auto* more :
       {&bridge_table().parameters(), &tasks::pattern_table().parameters(), &criterion_table().parameters()})
    parameters.insert(parameters.end(), more->begin(), more->end());
  return {.name = "one_step",
          .title = "What one attention layer loses against the dynamics at rest",
          .parameters = std::move(parameters),
          .run = run,
          .cost = cost};
}

}  // namespace ecphory::experiments
