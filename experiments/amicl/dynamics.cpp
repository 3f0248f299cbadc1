// AMICL as a dynamical system (models/amicl_dynamics.hpp): accuracy at the end of the read-out, latency to
// threshold and crosstalk; on request the trajectories of the first trial.

#include <algorithm>
#include <cmath>

#include "ecphory/base/wilson.hpp"
#include "ecphory/experiments/experiments.hpp"
#include "ecphory/experiments/memory_runs.hpp"
#include "ecphory/models/amicl_dynamics.hpp"

namespace ecphory::experiments {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

struct ReadoutSettings {
  std::int64_t trials = 500;
  double threshold = 0.9;
};

const base::ParameterTable<ReadoutSettings>& readout_table() {
  using S = ReadoutSettings;
  static const auto table =
      base::ParameterTable<S>("task")
          .add("trials", &S::trials, "1", "contexts presented at each point", base::between(1, 1e6))
          .add("threshold", &S::threshold, "1", "cosine of the output with the label that counts as arrival",
               {.low = 0, .high = 1, .low_excluded = true});
  return table;
}

struct RecordSettings {
  bool traces = false;
};

const base::ParameterTable<RecordSettings>& record_table() {
  static const auto table = base::ParameterTable<RecordSettings>("record").add(
      "traces", &RecordSettings::traces, "1", "also record the trajectories of the first trial");
  return table;
}

/// Times at which traces are recorded, ms.
std::vector<double> trace_times(double duration) {
  constexpr int kTimes = 201;
  std::vector<double> times;
  for (int k = 0; k < kTimes; ++k) times.push_back(duration * k / (kTimes - 1.0));
  return times;
}

void add_traces(const models::AmiclContexts& contexts, double beta, const MatrixXd& states,
                const std::vector<double>& times, store::Dataset& result) {
  const auto length = contexts.values.front().cols();
  const MatrixXd h = states.topRows(length);
  MatrixXd p = h;
  std::vector<double> overlap;
  for (Index k = 0; k < states.cols(); ++k) {
    p.col(k) = (beta * (h.col(k).array() - h.col(k).maxCoeff())).exp();
    p.col(k) /= p.col(k).sum();
    overlap.push_back(models::read_out(contexts, beta, 0, states.col(k)).label_overlap);
  }
  std::vector<std::uint8_t> is_label(contexts.is_label.front().begin(), contexts.is_label.front().end());
  const std::size_t n = times.size();
  const std::vector<std::size_t> shape = {n, static_cast<std::size_t>(length)};
  result.arrays.push_back(store::coordinate("time", times, "ms", "time since the query"));
  result.arrays.push_back({.name = "memory",
                           .dimensions = {"time", "token"},
                           .shape = shape,
                           .values = std::vector<double>(h.data(), h.data() + h.size()),
                           .long_name = "state h of the memory neurons in the first trial"});
  result.arrays.push_back({.name = "probability",
                           .dimensions = {"time", "token"},
                           .shape = shape,
                           .values = std::vector<double>(p.data(), p.data() + p.size()),
                           .long_name = "softmax output of the memory neurons in the first trial"});
  result.arrays.push_back({.name = "label_overlap",
                           .dimensions = {"time"},
                           .shape = {n},
                           .values = std::move(overlap),
                           .long_name = "cosine of the output with the label in the first trial"});
  result.arrays.push_back({.name = "is_label",
                           .dimensions = {"token"},
                           .shape = {shape[1]},
                           .values = std::move(is_label),
                           .long_name = "whether the token is the label looked for in the first trial"});
}

void check(const base::Point& point) {
  const tasks::InContextSequenceParameters smallest{.classes = 2, .length = 4, .dimension = 1};
  const auto contexts = models::present(models::amicl_dynamics_table().read(point), smallest, {}, 1);
  check_integration(contexts.network, integrator_table().read(point));
}

store::Dataset run(const base::Point& point, const sweep::RunContext& context) {
  const models::AmiclDynamicsParameters model = models::amicl_dynamics_table().read(point);
  const tasks::InContextSequenceParameters task = tasks::in_context_sequence_table().read(point);
  const ReadoutSettings readout = readout_table().read(point);
  const IntegratorSettings settings = integrator_table().read(point);

  const models::AmiclContexts contexts = models::present(model, task, context.key, readout.trials);
  dynamics::SimulationOptions<double> options = simulation_options(settings, context);
  const bool traces = record_table().read(point).traces;
  if (traces) options.record_times = trace_times(settings.duration);
  options.events = {
      {.name = "arrival",
       .value =
           [&](Index trial, double, std::span<const double> state) {
             const Eigen::Map<const Eigen::VectorXd> x(state.data(), static_cast<Index>(state.size()));
             return readout.threshold - models::read_out(contexts, model.beta, trial, x).label_overlap;
           },
       .ends = false}};
  const auto simulation = dynamics::simulate<double>(
      contexts.network, MatrixXd::Zero(contexts.network.rows(), readout.trials), options);

  std::int64_t correct = 0;
  double crosstalk = 0;
  std::vector<double> latencies;
  for (std::int64_t trial = 0; trial < readout.trials; ++trial) {
    const models::AmiclReading end =
        models::read_out(contexts, model.beta, trial, simulation.state.col(trial));
    correct += end.correct ? 1 : 0;
    crosstalk += end.crosstalk;
    const double arrival = simulation.event_times(0, trial);
    if (!std::isnan(arrival)) latencies.push_back(arrival);
  }
  const base::Proportion accuracy = base::wilson_interval(correct, readout.trials);
  std::ranges::sort(latencies);
  const auto trials = static_cast<double>(readout.trials);
  store::Dataset result{
      .arrays = {
          store::scalar("accuracy", accuracy.value, "1", "fraction of trials answered with the right label"),
          store::scalar("accuracy_low", accuracy.low, "1", "lower end of the 95% Wilson interval"),
          store::scalar("accuracy_high", accuracy.high, "1", "upper end of the 95% Wilson interval"),
          store::scalar("latency", latencies.empty() ? std::nan("") : latencies[latencies.size() / 2], "ms",
                        "median latency of trials that reach the threshold"),
          store::scalar("arrived", static_cast<double>(latencies.size()) / trials, "1",
                        "fraction of trials that reach the threshold"),
          store::scalar("crosstalk", crosstalk / trials, "1",
                        "mean weight on memories other than the label's"),
          failed_trajectories(simulation),
      }};
  if (traces) {
    add_traces(contexts, model.beta, simulation.record->trajectory(0), options.record_times, result);
  }
  return result;
}

double cost(const base::Point& point) {
  const tasks::InContextSequenceParameters task = tasks::in_context_sequence_table().read(point);
  return static_cast<double>(readout_table().read(point).trials) * integrator_table().read(point).duration *
         static_cast<double>(task.length * task.dimension);
}

}  // namespace

sweep::Experiment amicl_dynamics() {
  sweep::Experiment experiment{
      .name = "amicl_dynamics",
      .title = "AMICL as a dynamical system: accuracy, latency and crosstalk",
      .parameters = models::amicl_dynamics().parameters,
      .check = check,
      .run = run,
      .cost = cost,
  };
  for (const auto* table :
       {&readout_table().parameters(), &integrator_table().parameters(), &record_table().parameters()}) {
    experiment.parameters.insert(experiment.parameters.end(), table->begin(), table->end());
  }
  return experiment;
}

}  // namespace ecphory::experiments
