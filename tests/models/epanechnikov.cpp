// Exact retrieval and emergent memories of the log-sum-ReLU energy.

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

dynamics::Network<double> network_of(const MatrixXd& patterns, double beta) {
  return tests::memory_network(tests::point_of("epanechnikov", {{"model.kernel_beta", beta}}), patterns);
}

MatrixXd end_of(const dynamics::Network<double>& network, const MatrixXd& start) {
  return dynamics::simulate<double>(network, start,
                                    {.duration = 500, .integrator = {.rtol = 1e-10, .atol = 1e-12}})
      .state;
}

/// Corners of a rectangle of half sides 1 and 0.3 about 0, in 2 dimensions.
MatrixXd rectangle() {
  MatrixXd corners(2, 4);
  corners << 1, 1, -1, -1, 0.3, -0.3, 0.3, -0.3;
  return corners;
}

}  // namespace

TEST_CASE("epanechnikov: a memory is retrieved exactly from within delta for beta = 2/(r - delta)^2") {
  const MatrixXd patterns = tasks::draw_patterns(
      {.neurons = 20, .patterns = 200, .kind = tasks::PatternKind::spherical}, {.seed = 1});
  double r = 10;
  for (Index mu = 0; mu < patterns.cols(); ++mu) {
    for (Index nu = 0; nu < mu; ++nu) r = std::min(r, (patterns.col(mu) - patterns.col(nu)).norm());
  }
  // For delta < r/2 the start is within the support of its own memory as well, of radius r - delta.
  const double delta = 0.45 * r;
  MatrixXd start = tasks::draw_patterns(
      {.neurons = 20, .patterns = 200, .kind = tasks::PatternKind::spherical}, {.seed = 2});
  start = patterns + delta * start;
  const auto network = network_of(patterns, 2 / ((r - delta) * (r - delta)));
  // Alone in its support a memory attracts at the rate 1/((1 + epsilon) tau): exp(-49) of the start is left,
  // and the integrator's tolerance of 1e-10.
  CHECK((end_of(network, start) - patterns).colwise().norm().maxCoeff() < 1e-9);
  // Support that is twice as wide holds other memories: what is retrieved is a mixture.
  CHECK((end_of(network_of(patterns, 0.5 / ((r - delta) * (r - delta))), start) - patterns)
            .colwise()
            .norm()
            .maxCoeff() > 0.1);
}

TEST_CASE("epanechnikov: the centroid of overlapping supports is a memory that log-sum-exp has not") {
  // All corners are at sqrt(1.09) from 0, within the support of radius sqrt(2/1.5) = 1.15. Log-sum-exp of
  // equal lengths curves along the long side by 1 - beta var = 1 - 1.5 < 0.
  const MatrixXd corners = rectangle();
  MatrixXd start(2, 4);
  start << 0.05, -0.05, 0.02, 0.1, 0.02, 0.05, -0.1, 0.01;
  const MatrixXd emerged = end_of(network_of(corners, 1.5), start);
  CHECK(emerged.cwiseAbs().maxCoeff() < 1e-8);
  const auto smooth = tests::memory_network(tests::point_of("modern", {{"model.beta", 1.5}}), corners);
  CHECK(end_of(smooth, start).row(0).cwiseAbs().minCoeff() > 0.5);
  // With supports that do not reach 0, corners and the middles of short sides remain.
  const MatrixXd apart = end_of(network_of(corners, 5.0), corners * 0.95);
  CHECK((apart.colwise() - Eigen::Vector2d(0, 0)).row(0).cwiseAbs().minCoeff() == doctest::Approx(1));
}

TEST_CASE("epanechnikov: outside all supports nothing moves") {
  const MatrixXd start = 3 * rectangle();
  CHECK(end_of(network_of(rectangle(), 1.5), start) == start);
}

TEST_CASE("epanechnikov: the energy is certified, is the published one and never rises") {
  const MatrixXd patterns = tasks::draw_patterns(
      {.neurons = 10, .patterns = 30, .kind = tasks::PatternKind::spherical}, {.seed = 3});
  const double beta = 1.5;
  const auto network = network_of(patterns, beta);
  CHECK(dynamics::certify(network).never_rises);
  CHECK(dynamics::certify(network).bounded_below);
  const MatrixXd start = tasks::draw_patterns(
      {.neurons = 10, .patterns = 20, .kind = tasks::PatternKind::spherical}, {.seed = 4});
  const VectorXd e = dynamics::energies<double>(network, start);
  for (Index j = 0; j < start.cols(); ++j) {
    const VectorXd squares = (patterns.colwise() - start.col(j)).colwise().squaredNorm();
    const double sum = (1 - beta / 2 * squares.array()).max(0).sum();
    CHECK(e[j] == doctest::Approx(-std::log(0.01 + sum) / beta).epsilon(1e-12));
  }
  dynamics::SimulationOptions<double> options;
  options.duration = 50;
  for (int k = 0; k <= 200; ++k) options.record_times.push_back(0.25 * k);
  const auto run = dynamics::simulate<double>(network, start, options);
  for (Index j = 0; j < start.cols(); ++j) {
    const VectorXd course = dynamics::energies<double>(network, run.record->trajectory(j));
    // Rises by no more than the integrator's error.
    CHECK((course.tail(200) - course.head(200)).maxCoeff() < 1e-7);
    CHECK(course[200] < course[0] - 1e-3);
  }
}
