#include "ecphory/dynamics/event.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/simulate.hpp"

#include "networks.hpp"

using namespace ecphory;
using namespace ecphory::dynamics;
using compute::Index;
using Eigen::MatrixXd;

namespace {

/// x(t) = x0 e^{−t/10}.
Network<double> decay() {
  Network<double> network;
  network.add_layer({.name = "x", .neurons = 1, .tau = 10});
  return network;
}

}  // namespace

TEST_CASE("an event is found on the dense output, at its moment") {
  SimulationOptions<double> options;
  options.duration = 50;
  options.events = {{"half", [](Index, double, std::span<const double> x) { return x[0] - 0.5; }},
                    {"third", [](Index, double, std::span<const double> x) { return x[0] - 1.0 / 3; }}};
  options.record_times = {0, 5, 6.9, 6.94, 7};
  for (const auto& [method, slack] : {std::pair{Method::dormand_prince, 1e-7},
                                      {Method::cvode, 1e-6},
                                      {Method::runge_kutta_4, 1e-5},
                                      {Method::exponential_euler, 1e-12},
                                      {Method::euler, 0.3}}) {
    const std::string name = base::name_of(method);
    CAPTURE(name);
    options.integrator = {.method = method, .rtol = 1e-9, .atol = 1e-11};
    options.step = 0.7;
    const auto run = simulate<double>(decay(), MatrixXd::Ones(1, 1), options);
    CHECK(run.status[0] == Status::event);
    CHECK(run.event[0] == 0);
    CHECK(std::abs(run.time[0] - 10 * std::log(2.0)) < slack);
    CHECK(std::abs(run.state(0, 0) - 0.5) < 1e-12);
    if (method != Method::euler) {
      CHECK(std::isfinite(run.record->trajectory(0)(0, 2)));
      CHECK(std::isnan(run.record->trajectory(0)(0, 3)));
    }
  }
}

TEST_CASE("an event that holds at the start fires at t = 0; one that never holds, never") {
  SimulationOptions<double> options;
  options.duration = 50;
  options.events = {{"below", [](Index, double, std::span<const double> x) { return x[0] - 0.4; }}};
  MatrixXd initial(1, 2);
  initial << 0.3, 500;
  const auto run = simulate<double>(decay(), initial, options);
  CHECK(run.status[0] == Status::event);
  CHECK(run.time[0] == 0);
  CHECK(run.steps[0] == 0);
  CHECK(run.state(0, 0) == 0.3);
  CHECK(run.status[1] == Status::reached_end);
  CHECK(run.event[1] == -1);
}

TEST_CASE("an event that does not end its trajectory leaves its first time, and the trajectory as it is") {
  // x(t) = e^{−t/10} crosses ½ and ¼; the last one would come after the end that the second makes.
  const auto below = [](double level) {
    return [level](Index, double, std::span<const double> x) { return x[0] - level; };
  };
  SimulationOptions<double> options;
  options.duration = 50;
  options.integrator = {.rtol = 1e-10, .atol = 1e-12};
  options.events = {{"half", below(0.5), false}, {"quarter", below(0.25)}, {"fifth", below(0.2499), false}};
  MatrixXd initial(1, 2);
  initial << 1, 0.4;
  const auto run = simulate<double>(decay(), initial, options);
  CHECK(run.event[0] == 1);
  CHECK(run.event_times(0, 0) == doctest::Approx(10 * std::log(2.0)).epsilon(1e-8));
  CHECK(run.event_times(1, 0) == run.time[0]);
  CHECK(std::isnan(run.event_times(2, 0)));
  CHECK(run.event_times(0, 1) == 0);

  options.events.resize(1);
  const auto watched = simulate<double>(decay(), initial, options);
  CHECK(watched.status[0] == Status::reached_end);
  options.events.clear();
  CHECK((watched.state.array() == simulate<double>(decay(), initial, options).state.array()).all());
}

TEST_CASE("a value that is not a number has not fallen") {
  SimulationOptions<double> options;
  options.duration = 50;
  options.events = {{"late", [](Index, double, std::span<const double> x) { return std::log(0.7 - x[0]); }}};
  // log(0.7 − x) is NaN until x falls to 0.7, and ≤ 0 from then on: the step in which that happens ends
  // there.
  const auto run = simulate<double>(decay(), MatrixXd::Ones(1, 1), options);
  CHECK(run.status[0] == Status::event);
  CHECK(run.time[0] > 10 * std::log(1 / 0.7));
  CHECK(run.state(0, 0) == doctest::Approx(std::exp(-run.time[0] / 10)).epsilon(1e-5));
}

TEST_CASE("a rejected step fires nothing") {
  // The slow layer crosses the threshold of a fast one, which was silent: a step of the slow layer's length
  // throws the fast one far beyond the 100 that it can reach, and is rejected.
  Network<double> network;
  const auto slow = network.add_layer(
      {.name = "slow", .neurons = 1, .tau = 50, .input = constant_current<double>(2 * MatrixXd::Ones(1, 1))});
  const auto gate = network.add_layer({.name = "gate",
                                       .neurons = 1,
                                       .lagrangian = RectifiedPower{2},
                                       .tau = 0,
                                       .input = constant_current<double>(-MatrixXd::Ones(1, 1))});
  const auto fast = network.add_layer({.name = "fast", .neurons = 1, .tau = 0.05});
  network.add_synapse(Relay<double>{slow, gate});
  network.add_synapse(Relay<double>{gate, fast, 100});
  double highest = 0;
  SimulationOptions<double> options;
  options.duration = 100;
  options.events = {{"beyond", [&](Index, double, std::span<const double> x) {
                       highest = std::max(highest, x[1]);
                       return 120 - x[1];
                     }}};
  const auto run = simulate<double>(network, MatrixXd::Zero(2, 1), options);
  CHECK(run.rejected[0] > 0);
  CHECK(run.status[0] == Status::reached_end);
  CHECK(highest < 101);
  CHECK(highest > 50);
}

TEST_CASE("convergence waits for its bound and for the time it must hold") {
  SimulationOptions<double> options;
  options.duration = 1000;
  options.integrator = {.rtol = 1e-9, .atol = 1e-12};
  options.convergence = Convergence{.bound = 1e-3, .hold = 5};
  const auto run = simulate<double>(decay(), MatrixXd::Ones(1, 1), options);
  CHECK(run.status[0] == Status::converged);
  // τ|ẋ| = e^{−t/10} = 1e-3 at 10 ln 1000; the rate decays exponentially, so the log-linear interpolation is
  // exact.
  CHECK(run.time[0] == doctest::Approx(10 * std::log(1000.0) + 5).epsilon(1e-6));
  options.convergence->hold = 0;
  CHECK(simulate<double>(decay(), MatrixXd::Zero(1, 1), options).time[0] == 0);
}

TEST_CASE("convergence is not declared while the input will still jump") {
  Network<double> network;
  network.add_layer(
      {.name = "x", .neurons = 1, .tau = 1, .input = pulse<double>(500, 10, MatrixXd::Ones(1, 1))});
  SimulationOptions<double> options;
  options.duration = 1000;
  options.convergence = Convergence{.bound = 1e-3};
  const auto run = simulate<double>(network, MatrixXd::Ones(1, 1), options);
  CHECK(run.status[0] == Status::converged);
  CHECK(run.time[0] > 510);
}

TEST_CASE("arrival at a pattern") {
  const auto network = tests::model_b(20, 4, 20.0, 10, 0);
  const MatrixXd xi = tests::normals(20, 4, 11) / std::sqrt(20.0);
  MatrixXd initial(20, 4);
  for (Index j = 0; j < 4; ++j)
    initial.col(j) = xi.col(j) + 0.3 * tests::normals(20, 1, 50 + static_cast<std::uint64_t>(j)) / 4;
  SimulationOptions<double> options;
  options.duration = 200;
  options.events = {arrival<double>(network, 0, xi, {0, 1, 2, 3}, 0.99)};
  const auto run = simulate<double>(network, initial, options);
  for (Index j = 0; j < 4; ++j) {
    CHECK(run.status[static_cast<std::size_t>(j)] == Status::event);
    CHECK(run.state.col(j).dot(xi.col(j)) / run.state.col(j).norm() / xi.col(j).norm() ==
          doctest::Approx(0.99).epsilon(1e-9));
  }
  CHECK_THROWS_AS(arrival<double>(network, 0, xi, {4}, 0.9), base::UserError);
  CHECK_THROWS_AS(arrival<double>(network, 0, xi, {0}, 1.5), base::UserError);
  CHECK_THROWS_AS(arrival<double>(network, 0, MatrixXd::Zero(20, 1), {0}, 0.9), base::UserError);
  CHECK_THROWS_AS(arrival<double>(network, 0, MatrixXd::Ones(3, 1), {0}, 0.9), base::UserError);
}

TEST_CASE("arrival looks at the output, not at the state") {
  Network<double> network;
  const auto x = network.add_layer({.name = "x",
                                    .neurons = 2,
                                    .lagrangian = Tanh{},
                                    .tau = 10,
                                    .input = constant_current<double>(Eigen::Vector2d(50, 5))});
  SimulationOptions<double> options;
  options.duration = 100;
  options.events = {arrival<double>(network, x, Eigen::Vector2d(1, 1), {0}, 0.99)};
  const auto run = simulate<double>(network, MatrixXd::Zero(2, 1), options);
  REQUIRE(run.status[0] == Status::event);
  const Eigen::Vector2d g = run.state.col(0).array().tanh();
  CHECK(g.sum() / g.norm() / std::sqrt(2.0) == doctest::Approx(0.99).epsilon(1e-9));
}
