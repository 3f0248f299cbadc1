// The neuron-astrocyte network against the dense memory of power 4 that it is at rest.

#include <doctest/doctest.h>

#include "ecphory/dynamics/certificate.hpp"
#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/tasks/patterns.hpp"

#include "points.hpp"

using namespace ecphory;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr Index kNeurons = 40;
constexpr double kStrength = 10;  // defaults of the model
constexpr double kCoupling = 0.7;
constexpr double kGain = 4;

MatrixXd draw(std::int64_t patterns, std::uint64_t seed) {
  return tasks::draw_patterns({.neurons = kNeurons, .patterns = patterns}, {.seed = seed});
}

/// What drives the neurons of the dense memory of power 4 at outputs phi: the slope of
/// w^2 [lambda sum_mu (sum_{i<j} xi_i xi_j phi_i phi_j)^2 / P + sum_{i<j} phi_i^2 phi_j^2 / (1 - kappa^2)]
/// / 2.
MatrixXd dense_drive(const MatrixXd& patterns, const MatrixXd& phi) {
  const double pairs = kNeurons * (kNeurons - 1) / 2.0;
  const double w2 = 1 / ((kNeurons - 1) * kStrength);
  MatrixXd drive = MatrixXd::Zero(phi.rows(), phi.cols());
  for (Index j = 0; j < phi.cols(); ++j) {
    const auto g = phi.col(j).array();
    for (Index mu = 0; mu < patterns.cols(); ++mu) {
      const auto xi = patterns.col(mu).array();
      const double m = (xi * g).sum();
      drive.col(j).array() += w2 * kStrength / pairs * (m * m - g.square().sum()) / 2 * xi * (m - xi * g);
    }
    drive.col(j).array() += w2 / (1 - kCoupling * kCoupling) * g * (g.square().sum() - g.square());
  }
  return drive;
}

}  // namespace

TEST_CASE("astrocyte: it rests where the dense memory of power 4 does, for any patterns") {
  const MatrixXd patterns = draw(60, 1);
  const auto network = tests::memory_network(tests::point_of("astrocyte"), patterns);
  const MatrixXd cues = tasks::damaged(patterns, tasks::Damage::flip, 0.1, 5, {.seed = 1});
  dynamics::SimulationOptions<double> options;
  options.duration = 200;
  const auto run = dynamics::simulate<double>(network, models::initial_state(network, cues), options);
  const MatrixXd x = run.state.topRows(kNeurons);
  CHECK(x.cwiseAbs().minCoeff() > 0.5);
  // Synapses and processes at rest are an identity of matrices: what is left is the integrator's error, rtol
  // 1e-6.
  CHECK((x - dense_drive(patterns, (kGain * x.array()).tanh())).cwiseAbs().maxCoeff() < 1e-4);
}

TEST_CASE("astrocyte: fast synapses and processes follow the dense memory all the way") {
  const MatrixXd patterns = draw(20, 2);
  const MatrixXd cues = tasks::damaged(patterns, tasks::Damage::flip, 0.15, 4, {.seed = 2});
  // The slowest rate of synapses and processes is kappa^2 (1 - kappa^2)/((1 + kappa^2)(kappa^2 + (1 -
  // kappa^2) lambda)) = 0.030 of 1/tau_s: they lag 33 tau_s behind. Neurons move by their own size within tau
  // = 10 ms.
  for (const double tau : {0.01, 0.001}) {
    const auto network = tests::memory_network(
        tests::point_of("astrocyte", {{"model.tau_synapse", tau}, {"model.tau_process", tau}}), patterns);
    MatrixXd initial = models::initial_state(network, cues);
    dynamics::SimulationOptions<double> options;
    options.duration = 5;
    const MatrixXd x = dynamics::simulate<double>(network, initial, options).state.topRows(kNeurons);
    // Dense memory by the classical Runge-Kutta method.
    MatrixXd y = cues;
    const auto rate = [&](const MatrixXd& z) {
      return MatrixXd((dense_drive(patterns, (kGain * z.array()).tanh()) - z) / 10);
    };
    const double h = 0.01;
    for (int k = 0; k < 500; ++k) {
      const MatrixXd k1 = rate(y);
      const MatrixXd k2 = rate(y + h / 2 * k1);
      const MatrixXd k3 = rate(y + h / 2 * k2);
      const MatrixXd k4 = rate(y + h * k3);
      y += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    CAPTURE(tau);
    CHECK((x - y).cwiseAbs().maxCoeff() < 2 * 33 * tau / 10);
  }
}

TEST_CASE("astrocyte: it completes damaged cues of more patterns than the classical network holds") {
  // 60 patterns in 40 neurons: 10 times the classical 0.138 N; power 4 holds N^3/(2 15 ln N) = 578.
  const MatrixXd patterns = draw(60, 3);
  const MatrixXd cues = tasks::damaged(patterns, tasks::Damage::flip, 0.1, 20, {.seed = 3});
  const auto mean_overlap = [&](const std::string& name) {
    const auto network = tests::memory_network(tests::point_of(name), patterns);
    dynamics::SimulationOptions<double> options;
    options.duration = 200;
    const auto run = dynamics::simulate<double>(network, models::initial_state(network, cues), options);
    return models::overlaps(patterns, models::visible_output(network, run.state)).diagonal().mean();
  };
  CHECK(mean_overlap("astrocyte") > 0.97);
  CHECK(mean_overlap("hopfield") < 0.8);  // that of the cues: it makes them worse
}

TEST_CASE("astrocyte: the energy is certified never to rise, and does not") {
  const MatrixXd patterns = draw(30, 4);
  const auto network = tests::memory_network(tests::point_of("astrocyte"), patterns);
  CHECK(dynamics::certify(network).never_rises);
  dynamics::SimulationOptions<double> options;
  options.duration = 60;
  for (int k = 0; k <= 120; ++k) options.record_times.push_back(0.5 * k);
  const MatrixXd cues = tasks::damaged(patterns, tasks::Damage::flip, 0.2, 4, {.seed = 4});
  const auto run = dynamics::simulate<double>(network, models::initial_state(network, cues), options);
  for (Index j = 0; j < 4; ++j) {
    const VectorXd course = dynamics::energies<double>(network, run.record->trajectory(j));
    CHECK((course.tail(120) - course.head(120)).maxCoeff() < 1e-4);
    CHECK(course[120] < course[0] - 0.1);
  }
}

TEST_CASE("astrocyte: equal patterns and strong ones do not let synapses run away") {
  const MatrixXd same = MatrixXd::Ones(kNeurons, 30);
  const auto network =
      tests::memory_network(tests::point_of("astrocyte", {{"model.process_strength", 1000.0}}), same);
  dynamics::SimulationOptions<double> options;
  options.duration = 200;
  const auto run =
      dynamics::simulate<double>(network, models::initial_state(network, same.leftCols(1)), options);
  CHECK(run.status[0] == dynamics::Status::reached_end);
  CHECK(run.state.allFinite());
}
