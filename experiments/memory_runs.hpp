#pragma once
// What experiments on memories share: settings of the integration, the patterns and cues of a point, and one
// run.

#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/models/memories.hpp"
#include "ecphory/sweep/experiment.hpp"

namespace ecphory::experiments {

/// Settings of the section `integrator`.
struct IntegratorSettings {
  double duration = 200;
  dynamics::Method method = dynamics::Method::dormand_prince;
  double rtol = 1e-6;
  double atol = 1e-9;
  double step = 0.1;
  double temperature = 0;
  std::int64_t max_steps = 1'000'000;
  dynamics::Coordinates coordinates = dynamics::Coordinates::automatic;
  double converged_below = 0;
  double converged_for = 0;
};
const base::ParameterTable<IntegratorSettings>& integrator_table();

/// As the simulator takes them, on the device of the context, without what is recorded.
dynamics::SimulationOptions<double> simulation_options(const IntegratorSettings& settings,
                                                       const sweep::RunContext& context);

/// What memory neurons with a time constant do when the cue comes.
enum class HiddenStart {
  driven,  ///< they have the state to which the cue drives them
  silent,  ///< they are at 0
};
std::span<const std::string_view> names(HiddenStart);

/// Throws UserError, with the key in the file, for settings that cannot integrate such a network there.
void check_integration(const dynamics::Network<double>& network, const IntegratorSettings& settings,
                       compute::Device device = compute::kCpu);

/// The same for the memory of a point, whatever its patterns.
void check_memory(const base::Point& point);
void check_memory_on_gpu(const base::Point& point);

/// A memory with its patterns, and cues to start from. `network` is the memory with what fluctuates; of that
/// one's state, the rows of `memory` come first.
struct MemoryRun {
  Eigen::MatrixXd patterns;        ///< (N, M)
  std::vector<std::size_t> shape;  ///< of one pattern
  Eigen::MatrixXd cues;            ///< (N, cues)
  dynamics::Network<double> memory;
  dynamics::Network<double> network;
  Eigen::MatrixXd initial;  ///< (rows of the network's state, cues)
};
/// How long a memory takes: products of its neurons and patterns, for each cue and ms.
double cost_of_memory(const base::Point& point);

/// Draws what is random in a point and builds its memory.
MemoryRun prepare_memory(const base::Point& point, const base::RandomKey& key);

/// When a cue counts as completed.
struct CriterionSettings {
  double retrieved_above = 0.95;
};
const base::ParameterTable<CriterionSettings>& criterion_table();

/// The pattern of each cue.
std::vector<Eigen::Index> targets_of(const MemoryRun& memory);

/// Cosines of final outputs with the cues' own patterns, (cues).
Eigen::VectorXd final_overlaps(const MemoryRun& memory, const dynamics::Simulation<double>& run);

/// Settings of an experiment on memories: the models', the patterns', the integrator's, and `own`.
std::vector<base::Parameter> memory_experiment_parameters(const std::vector<base::Parameter>& own);

/// What a variable of an enum's values says of them (CF conventions): flag_values 0 … n−1 and flag_meanings.
store::Attributes flag_attributes(std::span<const std::string_view> names);

/// How and when each trajectory ended, over (trajectory).
std::vector<store::LabelledArray> endings(const dynamics::Simulation<double>& run);

/// How many trajectories failed, as sweeps expect it (sweep::kFailedParts).
store::LabelledArray failed_trajectories(const dynamics::Simulation<double>& run);

}  // namespace ecphory::experiments
