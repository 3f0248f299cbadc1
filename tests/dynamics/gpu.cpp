// Trajectories on a GPU beside the CPU's.

#include "compute/gpu.hpp"

#include <cmath>
#include <map>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/simulate.hpp"

#include "dynamics/networks.hpp"

using namespace ecphory;
using namespace ecphory::dynamics;
using compute::Index;
using Eigen::MatrixXd;

namespace {

template <class Real>
using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;

/// Largest difference, in units of the largest element of `b`; NaN where one is not finite and the other is.
template <class Real>
double difference(const Matrix<Real>& a, const Matrix<Real>& b) {
  double largest = 0;
  double size = 1e-300;
  for (Index k = 0; k < b.size(); ++k) {
    const auto x = static_cast<double>(a.data()[k]);
    const auto y = static_cast<double>(b.data()[k]);
    if (std::isnan(x) && std::isnan(y)) continue;
    if (!(std::abs(x - y) <= 1e300)) return std::nan("");
    largest = std::max(largest, std::abs(x - y));
    size = std::max(size, std::abs(y));
  }
  return largest / size;
}

template <class Real>
Matrix<Real> recorded(const Simulation<Real>& run) {
  const auto& states = run.record->states();
  return Eigen::Map<const Matrix<Real>>(states.data(), states.rows(), states.columns());
}

/// What must be equal of two runs: how, when and with what each trajectory ended, and what was recorded.
template <class Real>
void check_equal(const Simulation<Real>& there, const Simulation<Real>& here, double slack,
                 double slack_of_time) {
  CHECK(there.status == here.status);
  CHECK(there.event == here.event);
  CHECK(difference<Real>(there.state, here.state) < slack);
  double latest = 0;
  for (std::size_t j = 0; j < here.time.size(); ++j)
    latest = std::max(latest, std::abs(there.time[j] - here.time[j]));
  CHECK(latest < slack_of_time);
  if (here.event_times.size() > 0) {
    CHECK((there.event_times.array().isNaN() == here.event_times.array().isNaN()).all());
    const auto both = here.event_times.array().isNaN();
    CHECK(both.select(0.0, (there.event_times - here.event_times).array()).abs().maxCoeff() < slack_of_time);
  }
  REQUIRE(there.record.has_value() == here.record.has_value());
  if (here.record) CHECK(difference<Real>(recorded(there), recorded(here)) < slack);
}

template <class Real>
Simulation<Real> on(compute::Device device, const Network<Real>& network, const Matrix<Real>& initial,
                    SimulationOptions<Real> options) {
  options.coordinates = Coordinates::neuron;
  options.device = device;
  return simulate<Real>(network, initial, options);
}

/// A network with everything that a GPU has a form for but the Lagrangian of its second layer, which is
/// given; so is its noise. A token stream drives it, another layer relays to it, a synapse goes.
template <class Real>
Network<Real> everything(const Lagrangian& hidden, double tau_h, const Noise& noise, Index trajectories) {
  constexpr Index kN = 9;
  constexpr Index kM = 12;
  const auto matrix = [](Index rows, Index columns, std::uint64_t seed) {
    return Matrix<Real>((0.4 * tests::normals(rows, columns, seed)).template cast<Real>());
  };
  Network<Real> network;
  const LayerId v = network.add_layer({.name = "v",
                                       .neurons = kN,
                                       .tau = 10,
                                       .input = pulse<Real>(3, 8.5, matrix(kN, trajectories, 1)),
                                       .noise = noise});
  const LayerId h = network.add_layer({.name = "h",
                                       .neurons = kM,
                                       .lagrangian = hidden,
                                       .tau = tau_h,
                                       .input = constant_current<Real>(matrix(kM, 1, 2))});
  const LayerId u = network.add_layer({.name = "u",
                                       .neurons = kN,
                                       .lagrangian = Tanh{2},
                                       .tau = 5,
                                       .tau_of_neuron = std::vector<double>{5, 5, 5, 6, 7, 8, 9, 4, 4},
                                       .noise = {.additive = noise.additive / 2}});
  const LayerId memory =
      network.add_layer({.name = "memory", .neurons = kM, .lagrangian = LogSumExp{3}, .tau = 0});
  network.add_synapse(Symmetric<Real>{v, h, weights<Real>(matrix(kN, kM, 3))});
  network.add_synapse(Asymmetric<Real>{v, u, weights<Real>(matrix(kN, kN, 4))}, {.from = 2, .until = 14});
  network.add_synapse(
      KeyValue<Real>{u, memory, v, weights<Real>(matrix(kN, kM, 5)), weights<Real>(matrix(kN, kM, 6))});
  network.add_synapse(Relay<Real>{u, v, static_cast<Real>(0.3)});
  return network;
}

const std::map<Method, double> kMethods = {{Method::euler, 0.2},
                                           {Method::runge_kutta_4, 0.5},
                                           {Method::dormand_prince, 0},
                                           {Method::exponential_euler, 0.7},
                                           {Method::exponential_runge_kutta, 0.9}};

}  // namespace

TEST_CASE_TEMPLATE("every method on a GPU follows the CPU's trajectories", Real, float, double) {
  const auto device = tests::gpu();
  if (!device) return;
  constexpr Index kTrajectories = 37;
  constexpr bool kSingle = std::is_same_v<Real, float>;
  for (const double tau_h : {0.0, 3.0}) {
    const auto network = everything<Real>(LogSumExp{2}, tau_h, {}, kTrajectories);
    const Matrix<Real> initial = tests::normals(network.rows(), kTrajectories, 7).template cast<Real>();
    for (const auto& [method, step] : kMethods) {
      const std::string name = base::name_of(method);
      CAPTURE(name);
      SimulationOptions<Real> options;
      options.duration = 20;
      options.integrator = {.method = method, .rtol = kSingle ? 1e-4 : 1e-8, .atol = kSingle ? 1e-6 : 1e-10};
      options.step = step > 0 ? step : 0.1;
      options.record_times = {0, 0.33, 1, 4.4, 10, 13.7, 20};
      const auto there = on<Real>(*device, network, initial, options);
      const auto here = on<Real>(compute::kCpu, network, initial, options);
      // Steps of one length round differently (sums of products in another order), some hundred times; steps
      // that are chosen differ by that, and the error they make is the tolerance.
      const double rounding = 500 * tests::kEps<Real>;
      const double slack = method == Method::dormand_prince ? (kSingle ? 1e-3 : 1e-7) : rounding;
      check_equal(there, here, slack, 1e-12);
      if (method != Method::dormand_prince) CHECK(there.steps == here.steps);
      CHECK(there.coordinates == Coordinates::neuron);
    }
  }
}

TEST_CASE_TEMPLATE("every Lagrangian but entmax on a GPU", Real, float, double) {
  const auto device = tests::gpu();
  if (!device) return;
  for (const Lagrangian& hidden :
       {Lagrangian(Quadratic{}), Lagrangian(RectifiedPower{3}), Lagrangian(LogSumExp{1.5}),
        Lagrangian(Spherical{}), Lagrangian(Tanh{1.2}), Lagrangian(Logistic{0.7}), Lagrangian(Sign{}),
        Lagrangian(Power{3}), Lagrangian(LayerNorm{3, 1.1, 1e-4})}) {
    const std::string name = traits_of(hidden).name;
    CAPTURE(name);
    REQUIRE(runs_on_gpu(hidden));
    for (const double tau_h : {0.0, 4.0}) {
      const auto network = everything<Real>(hidden, tau_h, {}, 5);
      const Matrix<Real> initial = (0.3 * tests::normals(network.rows(), 5, 8)).template cast<Real>();
      SimulationOptions<Real> options;
      options.duration = 4;
      options.integrator.method = Method::exponential_euler;
      options.step = 0.5;
      // A dozen steps of products with some ten terms, and slopes of a few: hundreds of roundings.
      check_equal(on<Real>(*device, network, initial, options),
                  on<Real>(compute::kCpu, network, initial, options), 1000 * tests::kEps<Real>, 1e-12);
    }
  }
}

TEST_CASE_TEMPLATE("noise on a GPU has the CPU's paths", Real, float, double) {
  const auto device = tests::gpu();
  if (!device) return;
  const auto network = everything<Real>(Tanh{}, 3, {.additive = 0.1, .proportional = 0.2}, 11);
  const Matrix<Real> initial = tests::normals(network.rows(), 11, 9).template cast<Real>();
  for (const Method method : {Method::euler_maruyama_ito, Method::heun_stratonovich}) {
    SimulationOptions<Real> options;
    options.duration = 12;
    options.integrator = {.method = method, .key = {.seed = 5, .point = 6, .replicate = 1}};
    options.step = 0.25;
    options.first_trajectory = 3;
    options.record_times = {0.1, 6, 12};
    const auto there = on<Real>(*device, network, initial, options);
    const auto here = on<Real>(compute::kCpu, network, initial, options);
    check_equal(there, here, 500 * tests::kEps<Real>, 1e-12);
    options.integrator.key.seed = 7;
    CHECK(difference<Real>(on<Real>(*device, network, initial, options).state, here.state) > 1e-2);
  }
}

TEST_CASE("events and convergence on a GPU end trajectories where the CPU's end") {
  const auto device = tests::gpu();
  if (!device) return;
  constexpr Index kTrajectories = 60;
  constexpr Index kPatterns = 6;
  const auto network = tests::model_b(20, kPatterns, 20, 10, 0);
  const MatrixXd xi = tests::normals(20, kPatterns, 11) / std::sqrt(20.0);
  std::vector<Index> targets;
  MatrixXd initial(20, kTrajectories);
  for (Index j = 0; j < kTrajectories; ++j) {
    targets.push_back(j % kPatterns);
    initial.col(j) = xi.col(j % kPatterns) * (0.2 + 0.05 * static_cast<double>(j)) +
                     0.1 * tests::normals(20, 1, 100 + static_cast<std::uint64_t>(j));
  }
  SimulationOptions<double> options;
  options.duration = 120;
  options.integrator = {.rtol = 1e-9, .atol = 1e-11};
  options.convergence = Convergence{.bound = 2e-4, .hold = 3};
  options.record_times = {0, 1, 7, 30, 60, 119};
  // Only the CPU can evaluate the second; the GPU knows the first by itself.
  options.events = {arrival<double>(network, 0, xi, targets, 0.97),
                    {"small", [](Index, double, std::span<const double> x) { return x[3] + 0.02; }, false}};
  for (const bool ends : {false, true}) {
    options.events[0].ends = ends;
    const auto there = on<double>(*device, network, initial, options);
    const auto here = on<double>(compute::kCpu, network, initial, options);
    // Times come from states within the tolerance, divided by rates of at least the bound.
    check_equal(there, here, 1e-6, 1e-3);
    CHECK(std::ranges::count(here.status, ends ? Status::event : Status::converged) > 10);
  }
  // All by the GPU, and all by the CPU.
  options.events.pop_back();
  const auto known = on<double>(*device, network, initial, options);
  options.events[0].cosine_distance = nullptr;
  check_equal(known, on<double>(*device, network, initial, options), 1e-9, 1e-9);
}

TEST_CASE("an arrival that looks at the output of a layer, on a GPU") {
  const auto device = tests::gpu();
  if (!device) return;
  Network<double> network;
  const auto before = network.add_layer({.name = "before", .neurons = 3, .tau = 4});
  const auto x = network.add_layer({.name = "x",
                                    .neurons = 2,
                                    .lagrangian = Tanh{},
                                    .tau = 10,
                                    .input = constant_current<double>(Eigen::Vector2d(50, 5))});
  network.add_synapse(Asymmetric<double>{before, x, weights<double>(MatrixXd::Ones(2, 3))});
  SimulationOptions<double> options;
  options.duration = 100;
  options.integrator = {.rtol = 1e-9, .atol = 1e-11};
  options.events = {arrival<double>(network, x, Eigen::Vector2d(1, 1), {0}, 0.99)};
  const MatrixXd initial = 0.01 * tests::normals(5, 4, 1);
  const auto there = on<double>(*device, network, initial, options);
  CHECK(there.status[0] == Status::event);
  check_equal(there, on<double>(compute::kCpu, network, initial, options), 1e-6, 1e-6);
}

TEST_CASE("trajectories that fail on a GPU have the CPU's statuses") {
  const auto device = tests::gpu();
  if (!device) return;
  // τ ẋ = x³ − x runs away in finite time from |x| > 1.
  Network<double> network;
  const auto x = network.add_layer({.name = "x", .neurons = 1, .lagrangian = Power{4}, .tau = 10});
  network.add_synapse(Asymmetric<double>{x, x, weights<double>(MatrixXd::Ones(1, 1))});
  MatrixXd initial(1, 7);
  initial << 0.5, 1.5, 0.2, -3, 0.9, 1.1, 0;
  SimulationOptions<double> options;
  options.duration = 200;
  for (const auto& [method, max_steps] : {std::pair{Method::dormand_prince, 100'000},
                                          {Method::dormand_prince, 20},
                                          {Method::exponential_euler, 100'000}}) {
    options.integrator.method = method;
    options.max_steps = max_steps;
    options.step = 1;
    const auto there = on<double>(*device, network, initial, options);
    const auto here = on<double>(compute::kCpu, network, initial, options);
    CHECK(here.failures() > 0);
    CHECK(there.status == here.status);
    for (Index j = 0; j < initial.cols(); ++j) {
      const auto at = static_cast<std::size_t>(j);
      CHECK(there.time[at] == doctest::Approx(here.time[at]).epsilon(1e-9));
      CHECK(std::isfinite(there.state(0, j)) == std::isfinite(here.state(0, j)));
    }
  }
}

TEST_CASE("many trajectories, whose control threads share, on a GPU") {
  const auto device = tests::gpu();
  if (!device) return;
  constexpr Index kTrajectories = 1500;
  const auto network = tests::model_b(6, 3, 20, 10, 0);
  const MatrixXd xi = tests::normals(6, 3, 11) / std::sqrt(6.0);
  const MatrixXd initial = tests::normals(6, kTrajectories, 21);
  std::vector<Index> targets;
  for (Index j = 0; j < kTrajectories; ++j) targets.push_back(j % 3);
  SimulationOptions<double> options;
  options.duration = 40;
  options.integrator = {.rtol = 1e-8, .atol = 1e-10};
  options.events = {arrival<double>(network, 0, xi, targets, 0.9),
                    {"small", [](Index, double, std::span<const double> x) { return x[1] + 1; }, false}};
  options.record_times = {0, 3, 40};
  check_equal(on<double>(*device, network, initial, options),
              on<double>(compute::kCpu, network, initial, options), 1e-5, 1e-3);
  // What a thread throws comes out.
  options.events[1].value = [](Index j, double t, std::span<const double>) {
    if (j == 1400 && t > 0) throw base::UserError({.problem = "fourteen hundred"});
    return 1.0;
  };
  CHECK_THROWS_AS(on<double>(*device, network, initial, options), base::UserError);
}

namespace {

/// Every state that comes, with its time.
class Everything final : public Recorder<double> {
 public:
  explicit Everything(Index trajectories) : rows(static_cast<std::size_t>(trajectories)) {}
  void record(Index trajectory, Index slot, double t, std::span<const double> state) override {
    auto& own = rows[static_cast<std::size_t>(trajectory)];
    CHECK(slot == static_cast<Index>(own.size()));
    own.emplace_back(t, Eigen::Map<const Eigen::VectorXd>(state.data(), static_cast<Index>(state.size())));
  }
  std::vector<std::vector<std::pair<double, Eigen::VectorXd>>> rows;
};

}  // namespace

TEST_CASE("recorders get the same states from a GPU") {
  const auto device = tests::gpu();
  if (!device) return;
  const auto network = everything<double>(Logistic{}, 0, {}, 14);
  const MatrixXd initial = tests::normals(network.rows(), 14, 3);
  SimulationOptions<double> options;
  options.duration = 16;
  options.integrator.method = Method::runge_kutta_4;
  options.step = 0.3;
  options.record_every = 4;
  Everything there(14);
  Everything here(14);
  options.recorder = &there;
  on<double>(*device, network, initial, options);
  options.recorder = &here;
  on<double>(compute::kCpu, network, initial, options);
  for (std::size_t j = 0; j < here.rows.size(); ++j) {
    REQUIRE(there.rows[j].size() == here.rows[j].size());
    REQUIRE(here.rows[j].size() > 10);
    for (std::size_t k = 0; k < here.rows[j].size(); ++k) {
      CHECK(there.rows[j][k].first == here.rows[j][k].first);
      CHECK((there.rows[j][k].second - here.rows[j][k].second).norm() < 1e-12);
    }
  }
}

TEST_CASE("what has no form for a GPU is refused, with what can be done") {
  constexpr compute::Device kGpu{compute::Device::Kind::cuda, 0};
  const auto plain = [] { return tests::model_b(8, 4, 5, 10, 0); };
  const auto key_of = [&](const Network<double>& network, SimulationOptions<double> options) {
    options.device = kGpu;
    try {
      check(network, options);
    } catch (const base::UserError& error) {
      CHECK(!error.complaint().remedy.empty());
      options.device = compute::kCpu;
      check(network, options);  // which the CPU does
      return error.complaint().key;
    }
    return std::string();
  };
  CHECK(key_of(plain(), {}).empty());
  SimulationOptions<double> overlap;
  overlap.coordinates = Coordinates::overlap;
  CHECK(key_of(plain(), overlap) == "coordinates");
  for (const Method method : {Method::cvode, Method::synchronous}) {
    SimulationOptions<double> options;
    options.integrator.method = method;
    CHECK(key_of(plain(), options) == "method");
  }

  Network<double> sparse;
  sparse.add_layer({.name = "x", .neurons = 3});
  const MatrixXd identity = MatrixXd::Identity(3, 3);
  sparse.add_synapse(
      Sparse<double>{0, 0, std::make_shared<Eigen::SparseMatrix<double>>(identity.sparseView())});
  CHECK(key_of(sparse, {}) == "device");

  Network<double> own;
  own.add_layer({.name = "x", .neurons = 3});
  own.add_synapse(Asymmetric<double>{0, 0, weights<double>(std::vector<MatrixXd>(2, identity))});
  CHECK(key_of(own, {}) == "device");

  Network<double> entmax;
  entmax.add_layer({.name = "x", .neurons = 3});
  entmax.add_layer({.name = "h", .neurons = 3, .lagrangian = Entmax{}, .tau = 0});
  entmax.add_synapse(Symmetric<double>{0, 1, weights<double>(identity)});
  CHECK(key_of(entmax, {}) == "device");
}

TEST_CASE("a GPU that is not there is refused") {
  SimulationOptions<double> options;
  options.device = {compute::Device::Kind::cuda, compute::cuda_device_count()};
  CHECK_THROWS_AS(simulate<double>(tests::model_b(8, 4, 5, 10, 0), MatrixXd::Zero(8, 2), options),
                  base::UserError);
}
