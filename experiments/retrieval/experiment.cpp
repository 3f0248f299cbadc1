// How often, and how fast, a memory completes damaged cues.

#include <algorithm>
#include <cmath>

#include "ecphory/base/wilson.hpp"
#include "ecphory/experiments/experiments.hpp"
#include "ecphory/experiments/memory_runs.hpp"

namespace ecphory::experiments {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

struct RecordSettings {
  std::int64_t images = 0;
};

const base::ParameterTable<RecordSettings>& record_table() {
  static const auto table = base::ParameterTable<RecordSettings>("record").add(
      "images", &RecordSettings::images, "1",
      "also record the first so many cues, what they retrieve, and their patterns", base::between(0, 1e6));
  return table;
}

/// The first `n` columns as an array over (cue, neuron).
store::LabelledArray image(std::string name, const MatrixXd& columns, Index n, const MemoryRun& memory,
                           std::string long_name) {
  std::vector<std::int64_t> shape(memory.shape.begin(), memory.shape.end());
  return {.name = std::move(name),
          .dimensions = {"cue", "neuron"},
          .shape = {static_cast<std::size_t>(n), static_cast<std::size_t>(columns.rows())},
          .values = std::vector<double>(columns.data(), columns.data() + n * columns.rows()),
          .long_name = std::move(long_name),
          .attributes = {{"image_shape", std::move(shape)}}};
}

store::Dataset run(const base::Point& point, const sweep::RunContext& context) {
  const MemoryRun memory = prepare_memory(point, context.key);
  const double threshold = criterion_table().read(point).retrieved_above;
  const IntegratorSettings settings = integrator_table().read(point);
  dynamics::SimulationOptions<double> options = simulation_options(settings, context);
  const std::vector<Index> targets = targets_of(memory);
  options.events = {dynamics::arrival<double>(memory.network, 0, memory.patterns, targets, threshold)};
  options.events.front().ends = false;
  const auto simulation = dynamics::simulate<double>(memory.network, memory.initial, options);

  std::vector<double> latencies;
  double overlap_sum = 0;
  std::int64_t retrieved = 0;
  const Eigen::VectorXd overlaps = final_overlaps(memory, simulation);
  for (Index j = 0; j < overlaps.size(); ++j) {
    overlap_sum += overlaps[j];
    if (!(overlaps[j] > threshold)) continue;
    ++retrieved;
    const double arrival = simulation.event_times(0, j);
    if (!std::isnan(arrival)) latencies.push_back(arrival);
  }
  const base::Proportion share = base::wilson_interval(retrieved, memory.cues.cols());
  std::ranges::sort(latencies);
  const double median = latencies.empty() ? std::nan("") : latencies[latencies.size() / 2];
  store::Dataset result{
      .arrays = {
          store::scalar("retrieved", share.value, "1", "fraction of cues completed"),
          store::scalar("retrieved_low", share.low, "1", "lower end of the 95% Wilson interval"),
          store::scalar("retrieved_high", share.high, "1", "upper end of the 95% Wilson interval"),
          store::scalar("overlap", overlap_sum / static_cast<double>(memory.cues.cols()), "1",
                        "mean cosine of the final output with the cue's pattern"),
          store::scalar("latency", median, "ms", "median latency of completed cues"),
          failed_trajectories(simulation),
      }};
  if (const Index n = std::min<Index>(record_table().read(point).images, memory.cues.cols()); n > 0) {
    MatrixXd stored(memory.patterns.rows(), n);
    for (Index j = 0; j < n; ++j) stored.col(j) = memory.patterns.col(targets[static_cast<std::size_t>(j)]);
    const MatrixXd output = models::visible_output(memory.network, simulation.state);
    result.arrays.push_back(image("cue_image", memory.cues, n, memory, "damaged pattern"));
    result.arrays.push_back(image("retrieved_image", output, n, memory, "visible output at the end"));
    result.arrays.push_back(image("stored_image", stored, n, memory, "stored pattern"));
  }
  return result;
}

}  // namespace

sweep::Experiment retrieval() {
  std::vector<base::Parameter> own = criterion_table().parameters();
  own.insert(own.end(), record_table().parameters().begin(), record_table().parameters().end());
  return {.name = "retrieval",
          .title = "How often, and how fast, a memory completes damaged cues",
          .parameters = memory_experiment_parameters(own),
          .check = check_memory,
          .run = run,
          .cost = cost_of_memory,
          .check_on_gpu = check_memory_on_gpu};
}

}  // namespace ecphory::experiments
