#include "ecphory/dynamics/simulate.hpp"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>
#include <omp.h>

#include "networks.hpp"
#include "refusal.hpp"

using namespace ecphory;
using namespace ecphory::dynamics;
using compute::Index;
using Eigen::MatrixXd;
using tests::contains;

namespace {

std::string refusal(const Network<double>& network, const MatrixXd& initial,
                    const SimulationOptions<double>& options) {
  return tests::refusal([&] { simulate<double>(network, initial, options); });
}

/// A layer that feeds itself with relu(x)^3: from x > 1 it runs away in finite time.
Network<double> runaway() {
  Network<double> network;
  const auto x = network.add_layer({.name = "x", .neurons = 1, .lagrangian = RectifiedPower{4}, .tau = 10});
  network.add_synapse(Symmetric<double>{x, x, weights<double>(MatrixXd::Ones(1, 1))});
  return network;
}

}  // namespace

TEST_CASE_TEMPLATE("bits do not depend on threads, on how a batch is split or on what is recorded", Real,
                   float, double) {
  using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;
  const Matrix initial = tests::normals(40, 100, 3).cast<Real>();
  for (const bool noisy : {false, true}) {
    const auto network =
        tests::model_b<Real>(30, 10, 4.0, 10, 3, {}, noisy ? Noise{.additive = 0.1} : Noise{});
    SimulationOptions<Real> options;
    options.duration = 30;
    options.step = 0.5;
    options.integrator.method = noisy ? Method::euler_maruyama_ito : Method::dormand_prince;
    const int before = omp_get_max_threads();
    omp_set_num_threads(1);
    const auto whole = simulate<Real>(network, initial, options);
    omp_set_num_threads(3);
    CHECK((simulate<Real>(network, initial, options).state.array() == whole.state.array()).all());
    omp_set_num_threads(before);

    SimulationOptions<Real> recording = options;
    recording.record_times = {0, 0.123, 7, 29.5};
    CHECK((simulate<Real>(network, initial, recording).state.array() == whole.state.array()).all());

    for (const Index split : {1, 12, 50, 93}) {
      SimulationOptions<Real> second = options;
      second.first_trajectory = split;
      const auto left = simulate<Real>(network, Matrix(initial.leftCols(split)), options);
      const auto right = simulate<Real>(network, Matrix(initial.rightCols(100 - split)), second);
      CHECK((left.state.array() == whole.state.leftCols(split).array()).all());
      CHECK((right.state.array() == whole.state.rightCols(100 - split).array()).all());
    }
  }
}

TEST_CASE("overlap space gives the same trajectories and energies as neuron space") {
  for (const bool with_current : {false, true}) {
    const Input<double> current = with_current ? constant_current<double>(0.2 * tests::normals(50, 1, 4)) +
                                                     pulse<double>(5, 10, tests::normals(50, 1, 5))
                                               : Input<double>{};
    const auto network = tests::model_b(50, 8, 3.0, 10, 0, current);
    const MatrixXd initial = tests::normals(50, 30, 6);
    SimulationOptions<double> options;
    options.duration = 60;
    options.integrator = {.rtol = 1e-10, .atol = 1e-12};
    options.record_times = {0, 3, 5, 12.5, 15, 40, 60};
    const auto automatic = simulate<double>(network, initial, options);
    CHECK(automatic.coordinates == Coordinates::overlap);
    options.coordinates = Coordinates::neuron;
    const auto neuron = simulate<double>(network, initial, options);
    for (Index j = 0; j < 30; ++j) {
      const MatrixXd a = automatic.record->trajectory(j);
      const MatrixXd b = neuron.record->trajectory(j);
      CHECK((a - b).cwiseAbs().maxCoeff() < 1e-8);
      CHECK((energies<double>(network, a) - energies<double>(network, b)).cwiseAbs().maxCoeff() < 1e-8);
    }
  }
}

TEST_CASE(
    "overlap space is chosen where it suits and is cheaper, and refused with the reason where it does not "
    "suit") {
  SimulationOptions<double> options;
  options.duration = 1;
  CHECK(simulate<double>(tests::model_b(10, 19, 1, 10, 0), MatrixXd::Zero(10, 1), options).coordinates ==
        Coordinates::overlap);
  CHECK(simulate<double>(tests::model_b(10, 20, 1, 10, 0), MatrixXd::Zero(10, 1), options).coordinates ==
        Coordinates::neuron);
  options.coordinates = Coordinates::overlap;
  CHECK(contains(refusal(tests::model_b(10, 5, 1, 10, 3), MatrixXd::Zero(15, 1), options), "instantaneous"));
}

TEST_CASE("the two-layer system approaches the retrieval form at first order in tau_h") {
  const MatrixXd initial = tests::normals(15, 1, 3);
  const MatrixXd xi = tests::normals(15, 6, 11) / std::sqrt(15.0);
  SimulationOptions<double> options;
  options.duration = 12;
  options.integrator = {.rtol = 1e-11, .atol = 1e-13};
  options.max_steps = 10'000'000;
  const MatrixXd limit = simulate<double>(tests::model_b(15, 6, 3.0, 10, 0), initial, options).state;
  std::vector<double> differences;
  for (const double tau_h : {0.2, 0.1, 0.05, 0.025}) {
    MatrixXd both(21, 1);
    both << initial, xi.transpose() * initial;
    differences.push_back(
        (simulate<double>(tests::model_b(15, 6, 3.0, 10, tau_h), both, options).state.topRows(15) - limit)
            .norm());
  }
  for (std::size_t i = 0; i + 1 < differences.size(); ++i) {
    CHECK(differences[i] / differences[i + 1] == doctest::Approx(2).epsilon(0.05));
  }
}

TEST_CASE("jumps of the input are met exactly") {
  // Without synapses x relaxes to I exponentially, from jump to jump.
  Network<double> network;
  network.add_layer({.name = "x",
                     .neurons = 1,
                     .tau = 10,
                     .input = token_sequence<double>(
                         7.3, {MatrixXd::Constant(1, 1, 1.0), MatrixXd::Constant(1, 1, -2.0)})});
  double exact = 0.5;
  for (const double current : {1.0, -2.0}) exact = current + (exact - current) * std::exp(-0.73);
  exact *= std::exp(-(20 - 14.6) / 10);
  for (const Method method :
       {Method::dormand_prince, Method::cvode, Method::runge_kutta_4, Method::exponential_euler}) {
    CAPTURE(base::name_of(method));
    SimulationOptions<double> options;
    options.duration = 20;
    options.step = 0.11;
    options.integrator = {.method = method, .rtol = 1e-10, .atol = 1e-12};
    options.record_times = {7.3, 14.6, 20};
    const auto run = simulate<double>(network, MatrixXd::Constant(1, 1, 0.5), options);
    CHECK(std::abs(run.state(0, 0) - exact) < 1e-9);
    CHECK(std::abs(run.record->trajectory(0)(0, 0) - (1 - 0.5 * std::exp(-0.73))) < 1e-9);
    CHECK(run.time[0] == 20);
  }
}

TEST_CASE("a state that runs away ends its own trajectory only, with a status and a time") {
  for (const Method method :
       {Method::dormand_prince, Method::cvode, Method::euler, Method::exponential_euler}) {
    CAPTURE(base::name_of(method));
    SimulationOptions<double> options;
    options.duration = 100;
    options.step = 0.01;
    options.integrator.method = method;
    MatrixXd initial(1, 3);
    initial << 0.5, 2.0, 0.25;
    const auto run = simulate<double>(runaway(), initial, options);
    CHECK(run.status[0] == Status::reached_end);
    CHECK((run.status[1] == Status::not_finite || run.status[1] == Status::step_too_small));
    CHECK(run.status[2] == Status::reached_end);
    CHECK(run.failures() == 1);
    // 10 ẋ = x³ − x from 2: x⁻² = 1 − (1 − ¼) e^{t/5}, infinite at t = 5 ln(4/3).
    const double slack = traits_of(method).adaptive ? 0.01 : 0.15;  // methods of order 1 lag behind
    CHECK(std::abs(run.time[1] - 5 * std::log(4.0 / 3)) < slack);
    MatrixXd alone(1, 2);
    alone << 0.5, 0.25;
    CHECK(run.state(0, 0) == simulate<double>(runaway(), alone, options).state(0, 0));
  }
}

TEST_CASE("the cap on steps ends a trajectory with its status") {
  SimulationOptions<double> options;
  options.duration = 1000;
  options.max_steps = 7;
  const auto run = simulate<double>(tests::model_b(5, 3, 1.0, 10, 1), tests::normals(8, 2, 1), options);
  CHECK(run.status[0] == Status::step_limit);
  CHECK(run.steps[0] + run.rejected[0] == 7);
  CHECK(run.time[0] < 1000);
}

TEST_CASE("statistics over time are those of the recorded states") {
  const auto network = tests::model_b(5, 3, 1.0, 10, 1);
  StatisticsRecorder<double> statistics(8, 1);
  SimulationOptions<double> options;
  options.duration = 10;
  options.step = 0.1;
  options.integrator.method = Method::runge_kutta_4;
  options.record_every = 1;
  options.recorder = &statistics;
  simulate<double>(network, tests::normals(8, 1, 1), options);
  options.record_every = 0;
  options.recorder = nullptr;
  for (int k = 1; k <= 100; ++k) options.record_times.push_back(std::min(10.0, k * 0.1));
  const auto run = simulate<double>(network, tests::normals(8, 1, 1), options);
  const MatrixXd states = run.record->trajectory(0);
  const Eigen::VectorXd mean = states.rowwise().mean();
  CHECK((statistics.mean() - mean).norm() < 1e-12);
  CHECK((statistics.variance() - (states.colwise() - mean).rowwise().squaredNorm() / 100).norm() < 1e-12);
}

TEST_CASE("what cannot be integrated is refused with the remedy") {
  const auto network = tests::model_b(5, 3, 1.0, 10, 1);
  const MatrixXd initial = MatrixXd::Zero(8, 2);
  const auto with = [&](auto change) {
    SimulationOptions<double> options;
    change(options);
    return refusal(network, initial, options);
  };
  CHECK(contains(with([](auto& o) { o.duration = 0; }), "duration"));
  CHECK(contains(with([](auto& o) { o.integrator.rtol = 0; }), "rtol"));
  CHECK(contains(with([](auto& o) { o.record_times = {101}; }), "outside the run"));
  CHECK(contains(with([](auto& o) { o.record_times = {-1}; }), "outside the run"));
  CHECK(contains(with([](auto& o) { o.record_times = {2, 2}; }), "ascending"));
  CHECK(contains(with([](auto& o) { o.max_steps = 0; }), "max_steps"));
  CHECK(contains(with([](auto& o) {
                   o.integrator.method = Method::euler;
                   o.step = -1;
                 }),
                 "step"));
  CHECK(contains(refusal(network, MatrixXd::Zero(7, 1), {}), "8 rows"));
  CHECK(contains(refusal(network, MatrixXd::Constant(8, 1, NAN), {}), "not finite"));
  const auto noisy = tests::model_b(5, 3, 1.0, 10, 1, {}, {.additive = 0.1});
  SimulationOptions<double> options;
  options.integrator.method = Method::cvode;
  CHECK(contains(refusal(noisy, initial, options), "euler_maruyama_ito"));
}

TEST_CASE("a synapse drives while it is there, and not before or after") {
  // 10 ms dx/dt = −x + g of a constant 1, from 20 to 40 ms.
  Network<double> network;
  const auto one = network.add_layer(
      {.name = "one", .neurons = 1, .tau = 0, .input = constant_current<double>(MatrixXd::Ones(1, 1))});
  const auto x = network.add_layer({.name = "x", .neurons = 1, .tau = 10});
  network.add_synapse(Relay<double>{one, x, 1}, {.from = 20, .until = 40});
  SimulationOptions<double> options;
  options.duration = 60;
  options.integrator = {.method = Method::exponential_euler};
  options.step = 1;
  options.record_times = {20, 30, 40, 60};
  const auto run = simulate<double>(network, MatrixXd::Zero(1, 1), options);
  const MatrixXd course = run.record->trajectory(0);
  CHECK(course(0, 0) == 0);
  CHECK(course(0, 1) == doctest::Approx(1 - std::exp(-1)).epsilon(1e-12));
  CHECK(course(0, 2) == doctest::Approx(1 - std::exp(-2)).epsilon(1e-12));
  CHECK(course(0, 3) == doctest::Approx((1 - std::exp(-2)) * std::exp(-2)).epsilon(1e-12));
  CHECK_THROWS_AS(network.add_synapse(Relay<double>{one, x, 1}, {.from = 40, .until = 40}), base::UserError);
}
