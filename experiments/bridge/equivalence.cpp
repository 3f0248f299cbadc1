// How far a stack of attention layers is from the trajectory that it stands for: rounding, for every gate.

#include <algorithm>
#include <array>

#include "ecphory/bridge/agreement.hpp"
#include "ecphory/experiments/experiments.hpp"

namespace ecphory::experiments {
namespace {

using Eigen::Index;

enum class Precision { single, double_ };
std::span<const std::string_view> names(Precision) {
  static constexpr std::array<std::string_view, 2> kNames = {"single", "double"};
  return kNames;
}

struct Settings {
  double beta = 10;
  double tau = 10;
  bool tied = true;
  bool leak = true;
  dynamics::Method method = dynamics::Method::exponential_euler;
  double ratio = 0.5;
  std::int64_t layers = 16;
  Precision precision = Precision::double_;
  std::int64_t neurons = 64;
  std::int64_t memories = 32;
  std::int64_t trajectories = 25;
};

const base::ParameterTable<Settings>& model_table() {
  using S = Settings;
  static const auto table =
      base::ParameterTable<S>("model")
          .add("beta", &S::beta, "1", "inverse temperature of the softmax",
               {.low = 0, .high = 1e30, .low_excluded = true})
          .add("tau", &S::tau, "ms", "time constant of the state", base::above(0))
          .add("tied", &S::tied, "1", "whether the memories' values are their keys, or vectors of their own")
          .add("leak", &S::leak, "1", "whether the state leaks; if not, layers are x + gate Attn(x)");
  return table;
}

const base::ParameterTable<Settings>& bridge_table() {
  using S = Settings;
  static const auto table =
      base::ParameterTable<S>("bridge")
          .add("method", &S::method, "1", "whose steps the layers are: exponential_euler or euler")
          .add("ratio", &S::ratio, "1", "length of a step in time constants", base::above(0))
          .add("layers", &S::layers, "1", "steps, and layers", base::between(1, 1e5))
          .add("precision", &S::precision, "1", "of both");
  return table;
}

const base::ParameterTable<Settings>& task_table() {
  using S = Settings;
  static const auto table =
      base::ParameterTable<S>("task")
          .add("neurons", &S::neurons, "1", "of the state", base::between(1, 1e5))
          .add("memories", &S::memories, "1", "keys, uniform on the unit sphere, as are values of their own",
               base::between(1, 1e6))
          .add("trajectories", &S::trajectories, "1", "initial states, uniform on the unit sphere",
               base::between(1, 1e6));
  return table;
}

Settings read(const base::Point& point) {
  Settings settings = model_table().read(point);
  const Settings bridge = bridge_table().read(point);
  const Settings task = task_table().read(point);
  settings.method = bridge.method;
  settings.ratio = bridge.ratio;
  settings.layers = bridge.layers;
  settings.precision = bridge.precision;
  settings.neurons = task.neurons;
  settings.memories = task.memories;
  settings.trajectories = task.trajectories;
  return settings;
}

template <class Real>
using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;

template <class Real>
Matrix<Real> unit_vectors(Index rows, Index columns, const base::RandomKey& key, base::Purpose purpose) {
  Eigen::MatrixXd x(rows, columns);
  base::RandomStream(key, purpose).normals(0, std::span(x.data(), static_cast<std::size_t>(x.size())));
  x.colwise().normalize();
  return x.cast<Real>();
}

template <class Real>
dynamics::Network<Real> network_of(const Settings& s, const base::RandomKey& key) {
  dynamics::Network<Real> network;
  const auto state = network.add_layer({.name = "state", .neurons = s.neurons, .tau = s.tau});
  const auto memory = network.add_layer(
      {.name = "memory", .neurons = s.memories, .lagrangian = dynamics::LogSumExp{s.beta}, .tau = 0});
  const auto keys =
      dynamics::weights<Real>(unit_vectors<Real>(s.neurons, s.memories, key, base::Purpose("bridge.keys")));
  if (s.tied) {
    network.add_synapse(dynamics::Symmetric<Real>{state, memory, keys});
  } else {
    network.add_synapse(
        dynamics::KeyValue<Real>{state, memory, state, keys,
                                 dynamics::weights<Real>(unit_vectors<Real>(
                                     s.neurons, s.memories, key, base::Purpose("bridge.values")))});
  }
  if (!s.leak) network.add_synapse(dynamics::Relay<Real>{state, state, 1});
  return network;
}

template <class Real>
std::vector<double> measure(const Settings& s, const sweep::RunContext& context) {
  const dynamics::Network<Real> network = network_of<Real>(s, context.key);
  const auto form = bridge::attention_form<Real>(network, s.ratio * s.tau, s.layers, s.method);
  const Matrix<Real> initial =
      unit_vectors<Real>(s.neurons, s.trajectories, context.key, base::Purpose("bridge.initial"));
  return bridge::deviations<Real>(network, form, initial,
                                  {.integrator = {.method = s.method},
                                   .step = form.step,
                                   .device = context.device,
                                   .deadline = context.deadline});
}

store::Dataset run(const base::Point& point, const sweep::RunContext& context) {
  const Settings s = read(point);
  std::vector<double> deviation =
      s.precision == Precision::double_ ? measure<double>(s, context) : measure<float>(s, context);
  std::vector<std::int64_t> layers;
  for (std::int64_t k = 1; k <= s.layers; ++k) layers.push_back(k);
  const double worst = *std::ranges::max_element(deviation);
  return {.arrays = {store::coordinate("layer", std::move(layers), "1", "layer"),
                     {.name = "deviation",
                      .dimensions = {"layer"},
                      .shape = {deviation.size()},
                      .values = std::move(deviation),
                      .long_name = "largest difference of layers and trajectory, relative to the state"},
                     store::scalar("worst_deviation", worst, "1",
                                   "largest difference after any layer, relative to the state")}};
}

void check(const base::Point& point) {
  const Settings s = read(point);
  Settings small = s;
  small.neurons = small.memories = 1;
  try {
    bridge::attention_form<double>(network_of<double>(small, {}), s.ratio * s.tau, s.layers, s.method);
  } catch (const base::UserError& error) {
    base::Complaint complaint = error.complaint();
    complaint.key = complaint.key == "method" ? "bridge.method" : "bridge.ratio";
    throw base::UserError(complaint);
  }
}

double cost(const base::Point& point) {
  const Settings s = read(point);
  return static_cast<double>(s.neurons * s.memories) * static_cast<double>(s.trajectories * s.layers);
}

}  // namespace

sweep::Experiment equivalence() {
  std::vector<base::Parameter> parameters = model_table().parameters();
  for (const auto* more : {&bridge_table().parameters(), &task_table().parameters()})
    parameters.insert(parameters.end(), more->begin(), more->end());
  return {.name = "equivalence",
          .title = "How far attention layers are from the trajectory that they stand for",
          .parameters = std::move(parameters),
          .check = check,
          .run = run,
          .cost = cost,
          .check_on_gpu = check};
}

}  // namespace ecphory::experiments
