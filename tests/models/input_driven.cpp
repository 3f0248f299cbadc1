// Retrieval by the input, of the saliences that it gives.

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

const MatrixXd& patterns() {
  static const MatrixXd all = tasks::draw_patterns({.neurons = 500, .patterns = 10}, {.seed = 1});
  return all;
}

/// Starts: random ones, then at patterns 0 and 1.
MatrixXd starts() {
  MatrixXd x(500, 6);
  base::RandomStream({.seed = 2}, base::Purpose("test"))
      .normals(0, std::span(x.data(), static_cast<std::size_t>(x.size())));
  x.rightCols(2) = patterns().leftCols(2);
  return x;
}

/// 0.65 of pattern 0 with 0.35 of pattern 1, for all starts.
MatrixXd mixed_cues() { return (0.65 * patterns().col(0) + 0.35 * patterns().col(1)).replicate(1, 6); }

dynamics::Network<double> presented(const base::Point& point, const MatrixXd& cues) {
  auto network = tests::memory_network(point, patterns());
  models::memory_of(point).present(network, patterns(), cues);
  return network;
}

/// Absolute overlaps at the end, (patterns, trajectories): x and -x are one state of an odd system.
MatrixXd overlaps_at_end(const dynamics::Network<double>& network, const MatrixXd& start,
                         dynamics::SimulationOptions<double> options = {.duration = 500}) {
  const auto run = dynamics::simulate<double>(network, start, options);
  return models::overlaps(patterns(), models::visible_output(network, run.state)).cwiseAbs();
}

/// Whether pattern mu has the largest overlap of every trajectory.
bool retrieved(const MatrixXd& overlaps, Index mu) {
  for (Index j = 0; j < overlaps.cols(); ++j) {
    Index best = 0;
    overlaps.col(j).maxCoeff(&best);
    if (best != mu) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("input_driven: the more salient of two mixed memories is retrieved from everywhere") {
  // gain 2: kappa alpha is 1.3 for pattern 0 and 0.7 for pattern 1, and only values above 1 have a fixed
  // point.
  const MatrixXd driven = overlaps_at_end(
      presented(tests::point_of("input_driven", {{"model.gain", 2.0}}), mixed_cues()), starts());
  CHECK(retrieved(driven, 0));
  CHECK(driven.row(0).minCoeff() > 0.95);
  // The classical network ends where it starts.
  const auto classical =
      tests::memory_network(tests::point_of("hopfield", {{"model.gain", 2.0}}), patterns());
  const MatrixXd undriven = overlaps_at_end(classical, starts());
  CHECK(undriven(1, 5) > 0.95);
  CHECK_FALSE(retrieved(undriven, 0));
}

TEST_CASE("input_driven: steep neurons need noise to leave the less salient memory") {
  // gain 10: both are fixed points. Noise of standard deviation 0.45 lowers the mean slope of tanh(10 x) to
  // about 1/sqrt(pi/2 0.45^2 + 0.01) = 1.75: 1.75 alpha is 1.14 for pattern 0 and 0.61 for pattern 1.
  const auto network = presented(tests::point_of("input_driven", {{"model.gain", 10.0}}), mixed_cues());
  const MatrixXd from_1 = patterns().col(1).replicate(1, 6);
  CHECK(retrieved(overlaps_at_end(network, from_1), 1));
  auto noisy = network;
  models::add_fluctuations(noisy, {.noise = 0.45});
  dynamics::SimulationOptions<double> options;
  options.duration = 2000;
  options.step = 0.5;
  options.integrator.method = dynamics::Method::euler_maruyama_ito;
  CHECK(retrieved(overlaps_at_end(noisy, from_1, options), 0));
}

TEST_CASE("input_driven: x = c xi is a fixed point where c = alpha tanh(kappa c)") {
  const MatrixXd pattern = patterns().col(0);
  const auto point = tests::point_of("input_driven", {{"model.gain", 4.0}});
  auto network = tests::memory_network(point, pattern);
  const double alpha = 0.4;
  models::memory_of(point).present(network, pattern, alpha * pattern);
  double c = alpha;
  for (int k = 0; k < 200; ++k) c = alpha * std::tanh(4 * c);
  const MatrixXd end = dynamics::simulate<double>(network, pattern, {.duration = 500}).state;
  CHECK((end - c * pattern).cwiseAbs().maxCoeff() < 1e-6);
}

TEST_CASE("input_driven: with constant input the dynamics descend the energy of W(u)") {
  const auto network = presented(tests::point_of("input_driven"), mixed_cues());
  CHECK_FALSE(dynamics::certify(network).has_energy);
  // The same with the saliencies in fixed weights: E = sum (x g - L) - g^T W(u) g / 2.
  const VectorXd alpha = patterns().transpose() * mixed_cues().col(0) / 500;
  const MatrixXd w = patterns() * alpha.asDiagonal() * patterns().transpose() / 500;
  dynamics::Network<double> fixed;
  fixed.add_layer({.name = "x", .neurons = 500, .lagrangian = dynamics::Tanh{4}});
  fixed.add_synapse(dynamics::Symmetric<double>{0, 0, dynamics::weights<double>(w)});
  CHECK(dynamics::certify(fixed).never_rises);
  dynamics::SimulationOptions<double> options;
  options.duration = 100;
  for (int k = 0; k <= 100; ++k) options.record_times.push_back(k);
  const auto run = dynamics::simulate<double>(network, starts(), options);
  const auto expected = dynamics::simulate<double>(fixed, starts(), options);
  CHECK((run.state - expected.state).cwiseAbs().maxCoeff() < 1e-5);
  for (Index j = 0; j < 6; ++j) {
    const VectorXd course = dynamics::energies<double>(fixed, run.record->trajectory(j));
    CHECK((course.tail(100) - course.head(100)).maxCoeff() < 1e-4);
    CHECK(course[100] < course[0] - 0.1);
  }
}

TEST_CASE("input_driven: rectified saliencies ignore what the cue contradicts, powers sharpen") {
  const MatrixXd cue = 0.8 * patterns().col(0) - 0.6 * patterns().col(1);
  const base::Point rectified = tests::point_of(
      "input_driven", {{"model.saliency_rectified", true}, {"model.saliency_exponent", std::int64_t{2}}});
  auto network = tests::memory_network(rectified, patterns());
  models::memory_of(rectified).present(network, patterns(), cue);
  // alpha_0 = 0.8^2 = 0.64 holds pattern 0; alpha_1 = 0, so pattern 1 decays.
  CHECK(overlaps_at_end(network, patterns().col(0))(0, 0) > 0.95);
  const auto run = dynamics::simulate<double>(network, patterns().col(1), {.duration = 30});
  CHECK(std::abs(patterns().col(1).dot(run.state.col(0))) / 500 < 0.1);
}

TEST_CASE("input_driven: saliencies with a time constant start where the cue has them") {
  const auto network =
      presented(tests::point_of("input_driven", {{"model.tau_saliency", 20.0}}), mixed_cues());
  const MatrixXd initial = models::initial_state(network, starts());
  CHECK(initial.rows() == 510);
  CHECK((initial.bottomRows(10) - patterns().transpose() * mixed_cues() / 500).cwiseAbs().maxCoeff() < 1e-14);
}
