// In-context denoising by one update of a memory that holds the context.
// Smart, Bietti & Sengupta (2025), arXiv 2502.05164: v ← α X softmax(β Xᵀ v), one attention layer, or one
// gradient step of size α on the modern Hopfield network's energy |v|²/(2α) − log Σ exp(β x_t·v)/β.

#include <algorithm>
#include <cmath>

#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/experiments/experiments.hpp"
#include "ecphory/tasks/in_context_denoising.hpp"

namespace ecphory::experiments {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

struct UpdateSettings {
  double alpha = 1.6;
  double beta = 0.2;
  std::int64_t updates = 1;
};

const base::ParameterTable<UpdateSettings>& update_table() {
  using S = UpdateSettings;
  static const auto table = base::ParameterTable<S>("model")
                                .add("alpha", &S::alpha, "1", "step size", base::above(0))
                                .add("beta", &S::beta, "1", "inverse temperature of the softmax",
                                     {.low = 0, .high = 1e30, .low_excluded = true})
                                .add("updates", &S::updates, "1",
                                     "how many; the paper's attention layer is one", base::between(1, 1e6));
  return table;
}

struct TrialSettings {
  std::int64_t trials = 1000;
};

const base::ParameterTable<TrialSettings>& trial_table() {
  static const auto table = base::ParameterTable<TrialSettings>("task").add(
      "trials", &TrialSettings::trials, "1", "prompts", base::between(2, 1e7));
  return table;
}

/// Queries (n, trials) after the updates, every trajectory with its own context.
MatrixXd updated(const UpdateSettings& s, const std::vector<MatrixXd>& contexts, const MatrixXd& queries) {
  std::vector<MatrixXd> values;
  for (const MatrixXd& context : contexts) values.push_back(s.alpha * context);
  dynamics::Network<double> network;
  const auto v = network.add_layer({.name = "visible", .neurons = queries.rows()});
  const auto h = network.add_layer({.name = "context",
                                    .neurons = contexts.front().cols(),
                                    .lagrangian = dynamics::LogSumExp{s.beta},
                                    .tau = 0});
  network.add_synapse(dynamics::KeyValue<double>{v, h, v, dynamics::weights<double>(contexts),
                                                 dynamics::weights<double>(values)});
  dynamics::SimulationOptions<double> options;
  options.integrator.method = dynamics::Method::synchronous;
  options.step = 1;
  options.duration = static_cast<double>(s.updates);
  return dynamics::simulate<double>(network, queries, options).state;
}

store::Dataset run(const base::Point& point, const sweep::RunContext& context) {
  const tasks::DenoisingParameters task = tasks::denoising_table().read(point);
  const UpdateSettings update = update_table().read(point);
  const std::int64_t trials = trial_table().read(point).trials;
  constexpr std::int64_t kBlock = 128;
  Eigen::VectorXd losses(trials);
  double bayes = 0;
  for (std::int64_t first = 0; first < trials; first += kBlock) {
    context.deadline.check();
    const std::int64_t n = std::min(kBlock, trials - first);
    std::vector<MatrixXd> contexts;
    MatrixXd queries(task.dimension, n);
    MatrixXd clean(task.dimension, n);
    for (Index j = 0; j < n; ++j) {
      tasks::DenoisingPrompt prompt = tasks::draw(task, context.key, static_cast<std::uint32_t>(first + j));
      queries.col(j) = prompt.noisy;
      clean.col(j) = prompt.clean;
      bayes += (prompt.bayes - prompt.clean).squaredNorm();
      contexts.push_back(std::move(prompt.context));
    }
    losses.segment(first, n) =
        (updated(update, contexts, queries) - clean).colwise().squaredNorm().transpose() /
        static_cast<double>(task.dimension);
  }
  const auto count = static_cast<double>(trials);
  const double mean = losses.mean();
  const double error = std::sqrt((losses.array() - mean).square().sum() / (count - 1) / count);
  return {.arrays = {
              store::scalar("loss", mean, "1", "mean square error of an element of the restored query"),
              store::scalar("loss_error", error, "1", "its standard error over prompts"),
              store::scalar("bayes_loss", bayes / count / static_cast<double>(task.dimension), "1",
                            "the same of the Bayes estimate, on the same prompts"),
              store::scalar("bayes_loss_expected", tasks::bayes_loss(task), "1", "its expectation"),
          }};
}

void check(const base::Point& point) {
  const tasks::DenoisingParameters task = tasks::denoising_table().read(point);
  if (task.subspace > task.dimension) tasks::draw(task, {}, 0);  // throws
}

double cost(const base::Point& point) {
  const tasks::DenoisingParameters task = tasks::denoising_table().read(point);
  return static_cast<double>(task.dimension * task.context) *
         static_cast<double>(trial_table().read(point).trials) *
         static_cast<double>(update_table().read(point).updates + 4);
}

}  // namespace

sweep::Experiment denoising() {
  std::vector<base::Parameter> parameters = update_table().parameters();
  for (const auto* more : {&tasks::denoising_table().parameters(), &trial_table().parameters()})
    parameters.insert(parameters.end(), more->begin(), more->end());
  return {.name = "denoising",
          .title = "In-context denoising by an update of a memory that holds the context",
          .parameters = std::move(parameters),
          .check = check,
          .run = run,
          .cost = cost};
}

}  // namespace ecphory::experiments
