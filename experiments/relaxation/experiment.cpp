// Trajectories of a memory from damaged cues, with overlaps and energy: for looking at.

#include <algorithm>
#include <array>
#include <limits>

#include "ecphory/dynamics/certificate.hpp"
#include "ecphory/dynamics/disk_recorder.hpp"
#include "ecphory/experiments/experiments.hpp"
#include "ecphory/experiments/memory_runs.hpp"

namespace ecphory::experiments {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Spool = store::Spool;

enum class Kept { times, steps, end, statistics };

std::span<const std::string_view> names(Kept) {
  static constexpr std::array<std::string_view, 4> kNames = {"times", "steps", "end", "statistics"};
  return kNames;
}

struct RecordSettings {
  Kept kept = Kept::times;
  std::int64_t points = 201;
  std::int64_t every = 1;
  bool states = false;
};

const base::ParameterTable<RecordSettings>& record_table() {
  using S = RecordSettings;
  static const auto table =
      base::ParameterTable<S>("record")
          .add("kept", &S::kept, "1",
               "what is kept of a trajectory: its course at evenly spaced times or at its own steps, its end "
               "alone, or mean and variance of every neuron over time")
          .add("points", &S::points, "1", "of times: how many", base::between(2, 1e7))
          .when("record.kept == \"times\"")
          .add("every", &S::every, "1", "of steps: every so many-th is kept", base::between(1, 1e9))
          .when("record.kept == \"steps\"")
          .add("states", &S::states, "1", "also record the states of all neurons");
  return table;
}

constexpr const char* kEnergyName =
    "energy of the memory, without its fluctuations; NaN where it has none, see certificate";
constexpr const char* kOverlapName = "cosine of the visible output with the stored pattern";
constexpr const char* kStateName = "state of the layers that have a time constant, the visible one first";

/// Energy, then overlaps, of states (rows, columns): (1 + patterns, columns).
MatrixXd readings(const MemoryRun& memory, const MatrixXd& states) {
  const MatrixXd own = states.topRows(memory.memory.rows());
  MatrixXd result(1 + memory.patterns.cols(), states.cols());
  if (dynamics::certify(memory.memory).has_energy) {
    result.row(0) = dynamics::energies<double>(memory.memory, own).transpose();
  } else {
    result.row(0).setConstant(std::numeric_limits<double>::quiet_NaN());
  }
  result.bottomRows(memory.patterns.cols()) =
      models::overlaps(memory.patterns, models::visible_output(memory.memory, own));
  return result;
}

/// The same for all states of a spool, tile by tile.
std::shared_ptr<const Spool> readings(const MemoryRun& memory, const Spool& states,
                                      const std::shared_ptr<store::Scratch>& scratch) {
  auto result =
      std::make_shared<Spool>(scratch, states.series(), 1 + static_cast<std::size_t>(memory.patterns.cols()));
  const auto rows = static_cast<Index>(states.columns());
  for (std::size_t j = 0; j < states.series(); ++j) {
    for (std::size_t first = 0; first < states.length(j); first += states.rows_of_tile()) {
      MatrixXd tile(rows, static_cast<Index>(std::min(states.rows_of_tile(), states.length(j) - first)));
      states.read(j, first, std::span(tile.data(), static_cast<std::size_t>(tile.size())));
      const MatrixXd read = readings(memory, tile.bottomRows(rows - 1));
      for (Index k = 0; k < read.cols(); ++k) {
        result->append(j, std::span(read.col(k).data(), static_cast<std::size_t>(read.rows())));
      }
    }
  }
  return result;
}

std::vector<double> to_vector(const MatrixXd& matrix) {
  return {matrix.data(), matrix.data() + matrix.size()};
}

/// Courses over `rows` recorded moments, the dimension `moment`.
void add_courses(const MemoryRun& memory, const RecordSettings& record,
                 const std::shared_ptr<const Spool>& states, const std::string& moment, std::size_t rows,
                 const std::shared_ptr<store::Scratch>& scratch, store::Dataset& result) {
  const std::size_t n = states->series();
  const auto patterns = static_cast<std::size_t>(memory.patterns.cols());
  const std::shared_ptr<const Spool> read = readings(memory, *states, scratch);
  result.arrays.push_back({.name = "energy",
                           .dimensions = {"trajectory", moment},
                           .shape = {n, rows},
                           .values = std::vector{store::Spooled{read, 0}},
                           .long_name = kEnergyName});
  result.arrays.push_back({.name = "overlap",
                           .dimensions = {"trajectory", moment, "pattern"},
                           .shape = {n, rows, patterns},
                           .values = std::vector{store::Spooled{read, 1, patterns}},
                           .long_name = kOverlapName});
  if (!record.states) return;
  result.arrays.push_back({.name = "state",
                           .dimensions = {"trajectory", moment, "neuron"},
                           .shape = {n, rows, states->columns() - 1},
                           .values = std::vector{store::Spooled{states, 1, states->columns() - 1}},
                           .long_name = kStateName});
}

void add_ends(const MemoryRun& memory, const RecordSettings& record, const MatrixXd& states,
              store::Dataset& result) {
  const auto n = static_cast<std::size_t>(states.cols());
  const MatrixXd read = readings(memory, states);
  result.arrays.push_back({.name = "energy",
                           .dimensions = {"trajectory"},
                           .shape = {n},
                           .values = to_vector(read.row(0)),
                           .long_name = kEnergyName});
  result.arrays.push_back({.name = "overlap",
                           .dimensions = {"trajectory", "pattern"},
                           .shape = {n, static_cast<std::size_t>(memory.patterns.cols())},
                           .values = to_vector(read.bottomRows(memory.patterns.cols())),
                           .long_name = kOverlapName});
  if (!record.states) return;
  result.arrays.push_back({.name = "state",
                           .dimensions = {"trajectory", "neuron"},
                           .shape = {n, static_cast<std::size_t>(states.rows())},
                           .values = to_vector(states),
                           .long_name = kStateName});
}

void add_statistics(const dynamics::StatisticsRecorder<double>& statistics, store::Dataset& result) {
  const auto add = [&](const char* name, const MatrixXd& values, const char* long_name) {
    result.arrays.push_back(
        {.name = name,
         .dimensions = {"trajectory", "neuron"},
         .shape = {static_cast<std::size_t>(values.cols()), static_cast<std::size_t>(values.rows())},
         .values = to_vector(values),
         .long_name = long_name});
  };
  add("mean", statistics.mean(), "mean over time of the state");
  add("variance", statistics.variance(), "variance over time of the state");
}

store::Dataset run(const base::Point& point, const sweep::RunContext& context) {
  const MemoryRun memory = prepare_memory(point, context.key);
  const IntegratorSettings settings = integrator_table().read(point);
  const RecordSettings record = record_table().read(point);
  dynamics::SimulationOptions<double> options = simulation_options(settings, context);
  const auto simulate = [&](dynamics::Recorder<double>* recorder) {
    options.recorder = recorder;
    return dynamics::simulate<double>(memory.network, memory.initial, options);
  };
  dynamics::Simulation<double> simulation;
  store::Dataset result;
  switch (record.kept) {
    case Kept::times: {
      for (std::int64_t k = 0; k < record.points; ++k) {
        options.record_times.push_back(settings.duration * static_cast<double>(k) /
                                       static_cast<double>(record.points - 1));
      }
      dynamics::DiskRecorder<double> recorder(context.scratch, memory.network.rows(), memory.cues.cols());
      simulation = simulate(&recorder);
      result.arrays.push_back(store::coordinate("time", options.record_times, "ms", "time"));
      add_courses(memory, record, recorder.spool(), "time", options.record_times.size(), context.scratch,
                  result);
      break;
    }
    case Kept::steps: {
      options.record_every = record.every;
      dynamics::DiskRecorder<double> recorder(context.scratch, memory.network.rows(), memory.cues.cols());
      simulation = simulate(&recorder);
      const std::size_t rows = recorder.spool()->longest();
      result.arrays.push_back({.name = "time",
                               .dimensions = {"trajectory", "sample"},
                               .shape = {recorder.spool()->series(), rows},
                               .values = std::vector{store::Spooled{recorder.spool(), 0}},
                               .units = "ms",
                               .long_name = "time"});
      add_courses(memory, record, recorder.spool(), "sample", rows, context.scratch, result);
      break;
    }
    case Kept::end:
      simulation = simulate(nullptr);
      add_ends(memory, record, simulation.state, result);
      break;
    case Kept::statistics: {
      options.record_every = 1;
      dynamics::StatisticsRecorder<double> recorder(memory.network.rows(), memory.cues.cols());
      simulation = simulate(&recorder);
      add_statistics(recorder, result);
      break;
    }
  }
  result.arrays.push_back({.name = "certificate",
                           .dimensions = {},
                           .shape = {},
                           .values = std::vector<std::string>{dynamics::certify(memory.network).text()},
                           .long_name = "what is known of the energy along a trajectory"});
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
          .run = run,
          .cost = cost_of_memory,
          .check_on_gpu = check_memory_on_gpu};
}

}  // namespace ecphory::experiments
