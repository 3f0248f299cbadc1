#include "ecphory/experiments/memory_runs.hpp"

#include <array>
#include <mutex>
#include <numeric>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ecphory/dynamics/connectivity.hpp"
#include "ecphory/dynamics/ornstein_uhlenbeck.hpp"
#include "ecphory/models/biology.hpp"
#include "ecphory/tasks/patterns.hpp"

namespace ecphory::experiments {

namespace {

struct StartSettings {
  HiddenStart hidden = HiddenStart::driven;
};

const base::ParameterTable<StartSettings>& start_table() {
  static const auto table = base::ParameterTable<StartSettings>("task").add(
      "hidden", &StartSettings::hidden, "1",
      "memory neurons with a time constant start where the cue drives them, or silent");
  return table;
}

}  // namespace

std::span<const std::string_view> names(HiddenStart) {
  static constexpr std::array<std::string_view, 2> kNames = {"driven", "silent"};
  return kNames;
}

const base::ParameterTable<IntegratorSettings>& integrator_table() {
  using S = IntegratorSettings;
  static const auto table =
      base::ParameterTable<S>("integrator")
          .add("duration", &S::duration, "ms", "length of a trajectory", base::above(0))
          .add("method", &S::method, "1", "how it is integrated")
          .add("rtol", &S::rtol, "1", "relative tolerance of a step, for dormand_prince and cvode",
               base::above(0))
          .add("atol", &S::atol, "1", "absolute tolerance of a step", base::above(0))
          .add("step", &S::step, "ms",
               "step of the other methods; of the discrete ones, how long an update is said to last",
               base::above(0))
          .add("temperature", &S::temperature, "1",
               "of binary neurons: Glauber dynamics, in units of the energy; 0 is the rule without chance",
               base::at_least(0))
          .when("integrator.method == \"synchronous\" or integrator.method == \"asynchronous\"")
          .add("max_steps", &S::max_steps, "1", "cap on the steps of a trajectory", base::at_least(1))
          .add("coordinates", &S::coordinates, "1",
               "what is integrated: neurons or overlaps; auto takes the cheaper")
          .add("converged_below", &S::converged_below, "1",
               "ends a trajectory when the root mean square of tau dx/dt is below; 0 is off",
               base::at_least(0))
          .add("converged_for", &S::converged_for, "ms", "for so long", base::at_least(0));
  return table;
}

dynamics::SimulationOptions<double> simulation_options(const IntegratorSettings& s,
                                                       const sweep::RunContext& context) {
  dynamics::SimulationOptions<double> options;
  options.duration = s.duration;
  options.integrator = {
      .method = s.method, .rtol = s.rtol, .atol = s.atol, .temperature = s.temperature, .key = context.key};
  options.step = s.step;
  options.device = context.device;
  options.deadline = context.deadline;
  options.max_steps = s.max_steps;
  options.coordinates = s.coordinates;
  if (s.converged_below > 0) {
    options.convergence = dynamics::Convergence{.bound = s.converged_below, .hold = s.converged_for};
  }
  return options;
}

namespace {

/// Whether the file has such patterns. Points of a sweep with the same patterns load them once.
void check_patterns(const tasks::PatternParameters& task) {
  if (task.file.empty()) return;
  static std::mutex mutex;
  static std::set<std::tuple<std::string, std::int64_t, tasks::Transform>> good;
  const std::scoped_lock lock(mutex);
  const std::tuple patterns(task.file, task.patterns, task.transform);
  if (good.contains(patterns)) return;
  try {
    tasks::load_patterns(task, {});
  } catch (const base::UserError& error) {
    base::Complaint complaint = error.complaint();
    complaint.problem = complaint.key + ": " + complaint.problem;
    complaint.key = "task.file";
    throw base::UserError(complaint);
  }
  good.insert(patterns);
}

}  // namespace

void check_integration(const dynamics::Network<double>& network, const IntegratorSettings& settings,
                       compute::Device device) {
  try {
    dynamics::check(network, simulation_options(settings, {.device = device}));
  } catch (const base::UserError& error) {
    base::Complaint complaint = error.complaint();
    complaint.key = complaint.key == "device" ? "--device" : "integrator." + complaint.key;
    throw base::UserError(complaint);
  }
}

namespace {

void check_memory(const base::Point& point, compute::Device device) {
  const tasks::PatternParameters task = tasks::pattern_table().read(point);
  check_patterns(task);
  tasks::pattern_count(task);
  const models::Memory& memory = models::memory_of(point);
  if (memory.check && task.file.empty()) memory.check(point, task.neurons);
  const Eigen::Index neurons = memory.check ? memory.check(point, 0) : 2;
  dynamics::Network<double> network = memory.build(point, Eigen::MatrixXd::Ones(neurons, 1), {});
  dynamics::require_path(network, 0, 0);
  network = models::with_biology(network, models::biology_table().read(point), {});
  models::add_fluctuations(network, models::fluctuations_table().read(point));
  check_integration(network, integrator_table().read(point), device);
}

}  // namespace

void check_memory(const base::Point& point) { check_memory(point, compute::kCpu); }

void check_memory_on_gpu(const base::Point& point) {
  check_memory(point, {.kind = compute::Device::Kind::cuda});
}

double cost_of_memory(const base::Point& point) {
  const tasks::PatternParameters task = tasks::pattern_table().read(point);
  return static_cast<double>(task.neurons * tasks::pattern_count(task)) * static_cast<double>(task.cues) *
         integrator_table().read(point).duration;
}

MemoryRun prepare_memory(const base::Point& point, const base::RandomKey& key) {
  const tasks::PatternParameters task = tasks::pattern_table().read(point);
  const models::Fluctuations fluctuations = models::fluctuations_table().read(point);
  auto [patterns, shape] = tasks::load_patterns(task, key);
  Eigen::MatrixXd cues = tasks::damaged(patterns, task.damage, task.level, task.cues, key);
  const models::Memory& chosen = models::memory_of(point);
  dynamics::Network<double> memory = chosen.build(point, patterns, key);
  if (chosen.present) chosen.present(memory, patterns, cues);
  memory = models::with_biology(memory, models::biology_table().read(point), key);
  dynamics::Network<double> network = memory;
  models::add_fluctuations(network, fluctuations);
  Eigen::MatrixXd initial(network.rows(), cues.cols());
  initial.topRows(memory.rows()) = models::initial_state(memory, cues);
  if (start_table().read(point).hidden == HiddenStart::silent) {
    initial.middleRows(cues.rows(), memory.rows() - cues.rows()).setZero();
  }
  initial.bottomRows(network.rows() - memory.rows()) =
      dynamics::stationary(fluctuations.current_sigma, network.rows() - memory.rows(), cues.cols(), key);
  return {std::move(patterns), std::move(shape),   std::move(cues),
          std::move(memory),   std::move(network), std::move(initial)};
}

const base::ParameterTable<CriterionSettings>& criterion_table() {
  using S = CriterionSettings;
  static const auto table = base::ParameterTable<S>("task").add(
      "retrieved_above", &S::retrieved_above, "1",
      "a cue is completed when the cosine of the output with its pattern is above",
      {.low = 0, .high = 1, .low_excluded = true});
  return table;
}

std::vector<Eigen::Index> targets_of(const MemoryRun& memory) {
  std::vector<Eigen::Index> targets;
  for (Eigen::Index j = 0; j < memory.cues.cols(); ++j) targets.push_back(j % memory.patterns.cols());
  return targets;
}

Eigen::VectorXd final_overlaps(const MemoryRun& memory, const dynamics::Simulation<double>& run) {
  const Eigen::MatrixXd all =
      models::overlaps(memory.patterns, models::visible_output(memory.network, run.state));
  const std::vector<Eigen::Index> targets = targets_of(memory);
  Eigen::VectorXd own(all.cols());
  for (Eigen::Index j = 0; j < own.size(); ++j) own[j] = all(targets[static_cast<std::size_t>(j)], j);
  return own;
}

std::vector<base::Parameter> memory_experiment_parameters(const std::vector<base::Parameter>& own) {
  std::vector<base::Parameter> parameters = models::memory_parameters();
  for (const auto* more : {&tasks::pattern_table().parameters(), &start_table().parameters(),
                           &integrator_table().parameters(), &own}) {
    parameters.insert(parameters.end(), more->begin(), more->end());
  }
  return parameters;
}

store::Attributes flag_attributes(std::span<const std::string_view> names) {
  std::vector<std::uint8_t> values(names.size());
  std::iota(values.begin(), values.end(), std::uint8_t{0});
  return {{"flag_values", std::move(values)}, {"flag_meanings", fmt::format("{}", fmt::join(names, " "))}};
}

std::vector<store::LabelledArray> endings(const dynamics::Simulation<double>& run) {
  std::vector<std::uint8_t> codes;
  for (const dynamics::Status status : run.status) codes.push_back(static_cast<std::uint8_t>(status));
  const std::size_t n = codes.size();
  return {{.name = "ending",
           .dimensions = {"trajectory"},
           .shape = {n},
           .values = std::move(codes),
           .long_name = "how the trajectory ended",
           .attributes = flag_attributes(names(dynamics::Status{}))},
          {.name = "end_time",
           .dimensions = {"trajectory"},
           .shape = {n},
           .values = run.time,
           .units = "ms",
           .long_name = "when the trajectory ended"}};
}

store::LabelledArray failed_trajectories(const dynamics::Simulation<double>& run) {
  return {.name = std::string(sweep::kFailedParts),
          .dimensions = {},
          .shape = {},
          .values = std::vector<std::int64_t>{run.failures()},
          .long_name = "trajectories that could not be integrated to the end"};
}

}  // namespace ecphory::experiments
