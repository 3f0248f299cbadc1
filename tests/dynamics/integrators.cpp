// Every integrator against exact solutions and against its order.

#include <cmath>
#include <map>

#include <doctest/doctest.h>

#include "ecphory/compute/gemm.hpp"
#include "ecphory/dynamics/integrators/integrator.hpp"
#include "ecphory/dynamics/simulate.hpp"

#include "networks.hpp"

using namespace ecphory;
using namespace ecphory::dynamics;
using compute::Array;
using compute::Index;
using compute::View;
using Eigen::MatrixXd;

namespace {

/// n equal steps of a method over `duration`, errors unheeded. Also the state in the middle of the last step.
struct Steps {
  MatrixXd end;
  MatrixXd middle;
};

Steps equal_steps(Method method, const Network<double>& network, const MatrixXd& initial, double duration,
                  int n) {
  const auto flow = neuron_flow(network);
  const auto integrator = make_integrator<double>({.method = method}, *flow);
  const Index rows = network.rows();
  const Index columns = initial.cols();
  Array<double> x({rows, columns});
  Array<double> d({rows, columns});
  Array<double> x_new({rows, columns});
  Array<double> d_new({rows, columns});
  const auto count = static_cast<std::size_t>(columns);
  std::vector<Index> ids(count);
  std::vector<ColumnStep> steps(count);
  for (std::size_t j = 0; j < count; ++j) {
    ids[j] = static_cast<Index>(j);
    steps[j] = {.dt = duration / n, .trajectory = ids[j]};
  }
  std::vector<double> t(count, 0.0), limit(count, duration), error(count, 0.0);
  flow->start(ids, 0, {initial.data(), rows, columns, rows}, x);
  flow->drive(x, d);
  Steps result{MatrixXd(rows, columns), MatrixXd(rows, columns)};
  for (int k = 0; k < n; ++k) {
    const Attempt<double> attempt{.x = View<const double>(View<double>(x)),
                                  .d = View<const double>(View<double>(d)),
                                  .steps = steps,
                                  .on_device = std::span<const ColumnStep>(steps),
                                  .t = t,
                                  .limit = limit,
                                  .x_new = x_new,
                                  .d_new = d_new,
                                  .error = std::span<double>(error)};
    integrator->attempt(*flow, attempt);
    if (k == n - 1) {
      for (Index j = 0; j < columns; ++j)
        integrator->interpolate(integrator->dense_output(attempt), j, {.dt = duration / n, .theta = 0.5},
                                result.middle.col(j).data());
    }
    x.matrix() = x_new.matrix();
    d.matrix() = d_new.matrix();
  }
  result.end = x.matrix();
  return result;
}

MatrixXd reference(const Network<double>& network, const MatrixXd& initial, double duration) {
  SimulationOptions<double> options;
  options.duration = duration;
  options.integrator = {.rtol = 1e-13, .atol = 1e-15};
  options.coordinates = Coordinates::neuron;
  return simulate<double>(network, initial, options).state;
}

const std::map<Method, double> kOrders = {{Method::euler, 1},
                                          {Method::runge_kutta_4, 4},
                                          {Method::dormand_prince, 5},
                                          {Method::exponential_euler, 1},
                                          {Method::exponential_runge_kutta, 2}};

}  // namespace

TEST_CASE("every deterministic method has its order over five halvings of the step") {
  // ẋ = J (2x + 1.5 tanh x) with J a quarter turn: a nonlinear oscillator that conserves an energy, on which
  // errors add up undamped, large enough to see order 5 above rounding.
  Network<double> network;
  const auto x = network.add_layer({.name = "x", .neurons = 2, .tau = 1});
  const auto t = network.add_layer({.name = "t", .neurons = 2, .lagrangian = Tanh{1}, .tau = 0});
  MatrixXd turn(2, 2);
  turn << 0, -1, 1, 0;
  network.add_synapse(Asymmetric<double>{x, x, weights<double>(MatrixXd::Identity(2, 2) + 2 * turn)});
  network.add_synapse(Relay<double>{x, t});
  network.add_synapse(Asymmetric<double>{t, x, weights<double>(1.5 * turn)});
  const MatrixXd initial = tests::normals(2, 12, 6);
  constexpr double kDuration = 20;
  // Twice as fine as the finest, by the most accurate method; finer still, rounding would add up.
  const MatrixXd exact = equal_steps(Method::dormand_prince, network, initial, kDuration, 25600).end;
  CHECK((exact - reference(network, initial, kDuration)).norm() < 1e-10);
  for (const auto& [method, order] : kOrders) {
    const std::string name = base::name_of(method);
    CAPTURE(name);
    const int first = order == 1 ? 20000 : order == 2 ? 2000 : order == 4 ? 200 : 400;
    std::vector<double> errors;
    for (int halvings = 0; halvings <= 5; ++halvings) {
      errors.push_back(
          (equal_steps(method, network, initial, kDuration, first << halvings).end - exact).norm());
    }
    CAPTURE(errors.front());
    CAPTURE(errors.back());
    const double slope = std::log2(errors.front() / errors.back()) / 5;
    CHECK(std::abs(slope - order) < 0.05);
  }
}

TEST_CASE("dense output is as accurate as the method") {
  const auto network = tests::model_b(12, 5, 2.0, 10, 4);
  const MatrixXd initial = tests::normals(17, 12, 7);
  for (const auto& [method, order] : kOrders) {
    const std::string name = base::name_of(method);
    CAPTURE(name);
    const int first = order == 1 ? 1000 : order == 2 ? 100 : order == 4 ? 24 : 12;
    std::vector<double> errors;
    std::vector<double> errors_of_steps;
    for (int halvings = 0; halvings <= 3; ++halvings) {
      const int n = first << halvings;
      const Steps steps = equal_steps(method, network, initial, 20, n);
      errors.push_back((steps.middle - reference(network, initial, 20.0 * (n - 0.5) / n)).norm());
      errors_of_steps.push_back((steps.end - reference(network, initial, 20)).norm());
    }
    // The odd half step adds a local error of the continuous extension to the global one of the step.
    CHECK(errors.back() < 3 * errors_of_steps.back());
    CHECK(std::log2(errors.front() / errors.back()) / 3 > order - 0.15);
  }
}

TEST_CASE("one stored pattern relaxes exponentially") {
  // softmax over one memory is 1: v(t) = ξ + (v0 − ξ) e^{−t/τ}.
  const auto network = tests::model_b(9, 1, 3.0, 10, 0);
  const MatrixXd xi = tests::normals(9, 1, 11) / 3;
  const MatrixXd initial = tests::normals(9, 4, 8);
  const MatrixXd exact = (xi.replicate(1, 4) + (initial - xi.replicate(1, 4)) * std::exp(-3.0)).eval();
  for (const Method method :
       {Method::dormand_prince, Method::cvode, Method::exponential_euler, Method::exponential_runge_kutta}) {
    for (const Coordinates coordinates : {Coordinates::neuron, Coordinates::overlap}) {
      CAPTURE(base::name_of(method));
      SimulationOptions<double> options;
      options.duration = 30;
      options.integrator = {.method = method, .rtol = 1e-12, .atol = 1e-14};
      options.step = 7;  // exponential methods are exact at any step
      options.coordinates = coordinates;
      CHECK((simulate<double>(network, initial, options).state - exact).cwiseAbs().maxCoeff() < 1e-10);
    }
  }
}

TEST_CASE(
    "an exponential Euler step is an attention layer, a long one and an Euler step of tau are the Ramsauer "
    "update") {
  const Index n = 20;
  const Index m = 7;
  const double beta = 4;
  const auto network = tests::model_b(n, m, beta, 10, 0);
  const MatrixXd xi = tests::normals(n, m, 11) / std::sqrt(20.0);
  const MatrixXd v = tests::normals(n, 12, 9);
  MatrixXd p = (beta * xi.transpose() * v).eval();
  for (Index j = 0; j < 12; ++j) p.col(j) = (p.col(j).array() - p.col(j).maxCoeff()).exp();
  for (Index j = 0; j < 12; ++j) p.col(j) /= p.col(j).sum();
  const MatrixXd update = xi * p;
  const double slack = 1e-14;  // a few roundings of numbers of order 1
  CHECK((equal_steps(Method::exponential_euler, network, v, 1e5, 1).end - update).cwiseAbs().maxCoeff() <
        slack);
  CHECK((equal_steps(Method::euler, network, v, 10, 1).end - update).cwiseAbs().maxCoeff() < slack);
  const double gamma = 1 - std::exp(-0.7);
  CHECK((equal_steps(Method::exponential_euler, network, v, 7, 1).end - ((1 - gamma) * v + gamma * update))
            .cwiseAbs()
            .maxCoeff() < slack);
}

TEST_CASE("CVODE meets its tolerances") {
  const auto network = tests::model_b(12, 5, 2.0, 10, 0.01);  // stiff
  const MatrixXd initial = tests::normals(17, 3, 6);
  SimulationOptions<double> options;
  options.duration = 20;
  options.integrator = {.rtol = 1e-12, .atol = 1e-14};
  options.max_steps = 10'000'000;
  const MatrixXd exact = simulate<double>(network, initial, options).state;
  options.integrator.method = Method::cvode;
  std::vector<double> errors;
  for (const double rtol : {1e-4, 1e-6, 1e-8}) {
    options.integrator.rtol = rtol;
    options.integrator.atol = rtol / 100;
    const auto run = simulate<double>(network, initial, options);
    errors.push_back((run.state - exact).cwiseAbs().maxCoeff());
    CHECK(errors.back() < 100 * rtol);  // a global error of some local ones
    CHECK(run.steps[0] < 2000);         // explicit methods need 20 ms / (3 · 0.01 ms)
  }
  CHECK(errors[2] < errors[0] / 100);
}

TEST_CASE("stochastic methods have their strong and weak orders on geometric Brownian motion") {
  // τ dx = −x dt + √(2τ) ρ x dW, whose solution is known on every path:
  //     Itô: x0 exp(−(1 + ρ²) t/τ + ρ √2 W),  Stratonovich: x0 exp(−t/τ + ρ √2 W),  W = W(t/τ).
  constexpr double kRho = 0.5;
  constexpr Index kTrajectories = 12000;
  Network<double> network;
  network.add_layer({.name = "x", .neurons = 1, .tau = 1, .noise = {.proportional = kRho}});
  const base::RandomKey key{.seed = 3};
  for (const auto& [method, strong_order, weak_order] :
       {std::tuple{Method::euler_maruyama_ito, 0.5, 1.0}, {Method::heun_stratonovich, 1.0, 1.0}}) {
    const std::string name = base::name_of(method);
    CAPTURE(name);
    std::vector<double> strong;
    std::vector<double> weak;
    for (const int n : {8, 16, 32, 64, 128}) {
      SimulationOptions<double> options;
      options.duration = 1;
      options.step = 1.0 / n;
      options.integrator = {.method = method, .key = key};
      const auto run = simulate<double>(network, MatrixXd::Ones(1, kTrajectories), options);
      double sum = 0;
      double bias = 0;
      for (Index j = 0; j < kTrajectories; ++j) {
        double w = 0;
        for (int k = 0; k < n; ++k) {
          double xi = 0;
          base::RandomStream(key, base::Purpose("dynamics.noise"), static_cast<std::uint32_t>(k))
              .normals(2 * static_cast<std::uint64_t>(j), std::span(&xi, 1));
          w += xi / std::sqrt(static_cast<double>(n));
        }
        const double drift = method == Method::euler_maruyama_ito ? 1 + kRho * kRho : 1;
        const double error = run.state(0, j) - std::exp(-drift + kRho * std::sqrt(2.0) * w);
        sum += std::abs(error);
        bias += error;
      }
      strong.push_back(sum / kTrajectories);
      weak.push_back(std::abs(bias) / kTrajectories);
    }
    // 12000 paths leave a few per cent of noise on the errors, so ±0.1 on slopes over four halvings.
    CHECK(std::log2(strong.front() / strong.back()) / 4 ==
          doctest::Approx(strong_order).epsilon(0.1 / strong_order));
    CHECK(std::log2(weak.front() / weak.back()) / 4 > weak_order - 0.3);
  }
}

TEST_CASE("additive noise settles at its standard deviation, and is independent of trajectory and neuron") {
  Network<double> network;
  network.add_layer({.name = "x", .neurons = 5, .tau = 10, .noise = {.additive = 0.3}});
  SimulationOptions<double> options;
  options.duration = 100;
  options.step = 0.5;
  options.integrator = {.method = Method::heun_stratonovich, .key = {.seed = 4}};
  const auto run = simulate<double>(network, MatrixXd::Zero(5, 4000), options);
  const double variance = run.state.squaredNorm() / 20000;
  CHECK(std::sqrt(variance) == doctest::Approx(0.3).epsilon(4 / std::sqrt(2.0 * 20000)));
  const MatrixXd correlation = run.state * run.state.transpose() / 4000 / variance;
  CHECK((correlation - MatrixXd::Identity(5, 5)).cwiseAbs().maxCoeff() < 4.5 * std::sqrt(2.0 / 4000));
}
