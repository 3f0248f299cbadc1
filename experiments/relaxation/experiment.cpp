// Trajectories of a memory from damaged cues, with overlaps and energy: for looking at.

#include "ecphory/experiments/experiments.hpp"
#include "ecphory/experiments/memory_runs.hpp"

namespace ecphory::experiments {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

struct RecordSettings {
  std::int64_t points = 201;
  bool states = false;
};

const base::ParameterTable<RecordSettings>& record_table() {
  using S = RecordSettings;
  static const auto table =
      base::ParameterTable<S>("record")
          .add("points", &S::points, "1", "times at which a trajectory is recorded, evenly spaced",
               base::between(2, 1e7))
          .add("states", &S::states, "1", "also record the states of all neurons");
  return table;
}

store::Dataset run(const base::Point& point, const base::RandomKey& key) {
  const MemoryRun memory = prepare_memory(point, key);
  const IntegratorSettings settings = integrator_table().read(point);
  const RecordSettings record = record_table().read(point);
  dynamics::SimulationOptions<double> options = simulation_options(settings, key);
  for (std::int64_t k = 0; k < record.points; ++k) {
    options.record_times.push_back(settings.duration * static_cast<double>(k) /
                                   static_cast<double>(record.points - 1));
  }
  const auto simulation = dynamics::simulate<double>(memory.network, memory.initial, options);

  const auto trajectories = static_cast<std::size_t>(memory.cues.cols());
  const std::size_t times = options.record_times.size();
  const auto patterns = static_cast<std::size_t>(memory.patterns.cols());
  const auto rows = static_cast<std::size_t>(memory.network.rows());
  std::vector<double> energy;
  std::vector<double> overlap;
  std::vector<double> states;
  for (Index j = 0; j < memory.cues.cols(); ++j) {
    const MatrixXd x = simulation.record->trajectory(j);
    const Eigen::VectorXd e = dynamics::energies<double>(memory.network, x);
    energy.insert(energy.end(), e.data(), e.data() + e.size());
    const MatrixXd m = models::overlaps(memory.patterns, models::visible_output(memory.network, x));
    overlap.insert(overlap.end(), m.data(), m.data() + m.size());
    if (record.states) states.insert(states.end(), x.data(), x.data() + x.size());
  }
  store::Dataset result{.arrays = {store::coordinate("time", options.record_times, "ms", "time"),
                                   {.name = "energy",
                                    .dimensions = {"trajectory", "time"},
                                    .shape = {trajectories, times},
                                    .values = std::move(energy),
                                    .long_name = "energy"},
                                   {.name = "overlap",
                                    .dimensions = {"trajectory", "time", "pattern"},
                                    .shape = {trajectories, times, patterns},
                                    .values = std::move(overlap),
                                    .long_name = "cosine of the visible output with the stored pattern"}}};
  if (record.states) {
    result.arrays.push_back(
        {.name = "state",
         .dimensions = {"trajectory", "time", "neuron"},
         .shape = {trajectories, times, rows},
         .values = std::move(states),
         .long_name = "state of the layers that have a time constant, the visible one first"});
  }
  for (store::LabelledArray& array : endings(simulation)) result.arrays.push_back(std::move(array));
  result.arrays.push_back(failed_trajectories(simulation));
  return result;
}

}  // namespace

sweep::Experiment relaxation() {
  return {.name = "relaxation",
          .title = "Trajectories of a memory from damaged cues",
          .parameters = memory_experiment_parameters(record_table().parameters()),
          .check = check_memory,
          .run = run};
}

}  // namespace ecphory::experiments
