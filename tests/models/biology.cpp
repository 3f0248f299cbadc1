#include "ecphory/models/biology.hpp"

#include <Eigen/Cholesky>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/certificate.hpp"
#include "ecphory/dynamics/field.hpp"
#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/landscape/jacobian.hpp"
#include "ecphory/tasks/patterns.hpp"

#include "points.hpp"

using namespace ecphory;
using namespace ecphory::models;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

const base::RandomKey kKey = {.seed = 8};

MatrixXd patterns_of(Index n, Index m) {
  return tasks::draw_patterns({.neurons = n, .patterns = m}, {.seed = 1});
}

dynamics::Network<double> network_of(const std::string& name, const MatrixXd& patterns,
                                     const base::Point& changed = {}) {
  const base::Point point = tests::point_of(name, changed);
  return memory_of(point).build(point, patterns, {});
}

MatrixXd drive_of(const dynamics::Network<double>& network, const MatrixXd& x, double t = 0) {
  dynamics::Field<double> field(network);
  std::vector<Index> ids(static_cast<std::size_t>(x.cols()), 0);
  field.select(ids, t);
  MatrixXd d(x.rows(), x.cols());
  field.drive({x.data(), x.rows(), x.cols(), x.rows()}, {d.data(), d.rows(), d.cols(), d.rows()});
  return d;
}

/// W of a network whose only layer has binary neurons, column by column from the drives of basis changes.
MatrixXd weights_of(const dynamics::Network<double>& network) {
  const Index n = network.rows();
  const MatrixXd ones = MatrixXd::Ones(n, 1);
  MatrixXd w(n, n);
  for (Index i = 0; i < n; ++i) {
    MatrixXd flipped = ones;
    flipped(i, 0) = -1;
    w.col(i) = (drive_of(network, ones) - drive_of(network, flipped)) / 2;
  }
  return w;
}

}  // namespace

TEST_CASE("defaults change nothing") {
  const MatrixXd patterns = patterns_of(20, 3);
  const auto network = network_of("hopfield", patterns);
  const auto same = with_biology(network, {}, kKey);
  CHECK(drive_of(network, patterns) == drive_of(same, patterns));
}

TEST_CASE("time constants of neurons spread about their mean, and the energy still never rises") {
  const MatrixXd patterns = patterns_of(2000, 2);
  const auto network = with_biology(network_of("hopfield", patterns), {.tau_spread = 0.5}, kKey);
  const VectorXd tau = landscape::time_constants(network);
  const VectorXd logs = tau.array().log();
  // 2000 neurons: the mean of ln τ has the standard error 0.5/√2000 = 0.011, its deviation 0.008.
  CHECK(logs.mean() == doctest::Approx(std::log(10.0) - 0.125).epsilon(0.02));
  CHECK(std::sqrt((logs.array() - logs.mean()).square().mean()) == doctest::Approx(0.5).epsilon(0.08));
  CHECK(dynamics::certify(network).never_rises);
  // The neurons' own rates: from the same state each moves as fast as its τ lets it.
  const MatrixXd cue = tasks::damaged(patterns, tasks::Damage::flip, 0.2, 1, kKey);
  dynamics::SimulationOptions<double> options;
  options.duration = 1e-3;
  options.integrator.method = dynamics::Method::exponential_euler;
  options.step = 1e-3;
  const VectorXd moved = dynamics::simulate<double>(network, cue, options).state - cue;
  const VectorXd expected = (drive_of(network, cue) - cue).cwiseQuotient(tau) * 1e-3;
  CHECK((moved - expected).cwiseAbs().maxCoeff() < 1e-6);
}

TEST_CASE("missing synapses are missing in both directions, and the others make up for them") {
  const MatrixXd patterns = patterns_of(60, 4);
  const MatrixXd whole = weights_of(network_of("binary_hopfield", patterns));
  const auto thinned = with_biology(network_of("binary_hopfield", patterns), {.connectivity = 0.2}, kKey);
  const MatrixXd w = weights_of(thinned);
  CHECK((w - w.transpose()).cwiseAbs().maxCoeff() < 1e-14);
  for (Index i = 0; i < w.size(); ++i) {
    const double ratio = whole.data()[i] == 0 ? 0 : w.data()[i] / whole.data()[i];
    CHECK((std::abs(ratio) < 1e-12 || ratio == doctest::Approx(5)));
  }
  const double there = static_cast<double>((w.array().abs() > 1e-12).count()) /
                       static_cast<double>((whole.array().abs() > 1e-12).count());
  CHECK(there == doctest::Approx(0.2).epsilon(0.15));  // near 1000 pairs: standard error 0.013
  CHECK(std::holds_alternative<dynamics::Sparse<double>>(thinned.synapses()[0]));
  CHECK(dynamics::certify(thinned).has_energy);
}

TEST_CASE("by Dale's law the weights of a neuron have one sign, and the network has no energy") {
  const MatrixXd patterns = patterns_of(50, 3);
  const auto network =
      with_biology(network_of("binary_hopfield", patterns), {.dale = true, .inhibitory = 0.3}, kKey);
  const MatrixXd w = weights_of(network);
  Index inhibitory = 0;
  for (Index j = 0; j < 50; ++j) {
    CHECK((w.col(j).minCoeff() >= -1e-14 || w.col(j).maxCoeff() <= 1e-14));
    inhibitory += w.col(j).sum() < 0 ? 1 : 0;
  }
  CHECK(inhibitory == 15);
  CHECK_FALSE(dynamics::certify(network).has_energy);
}

TEST_CASE("silent memory neurons take their pattern with them, from the lesion on") {
  const MatrixXd patterns = tasks::draw_patterns(
      {.neurons = 50, .patterns = 6, .kind = tasks::PatternKind::spherical}, {.seed = 1});
  const auto network = with_biology(network_of("modern", patterns, {{"model.beta", 40.0}}),
                                    {.lesion_neurons = 0.5, .lesion_at = 100}, kKey);
  CHECK_FALSE(dynamics::certify(network).never_rises);
  dynamics::SimulationOptions<double> options;
  options.duration = 300;
  options.record_times = {99, 300};
  const auto run = dynamics::simulate<double>(network, patterns, options);
  int lost = 0;
  for (Index j = 0; j < 6; ++j) {
    const MatrixXd course = run.record->trajectory(j);
    CHECK((course.col(0) - patterns.col(j)).norm() < 1e-3);
    lost += (course.col(1) - patterns.col(j)).norm() > 0.5 ? 1 : 0;
  }
  CHECK(lost == 3);
  // What is left is the modern network of the other three: the drive is a mean of their patterns.
  const MatrixXd drive = drive_of(network, patterns, 200);
  for (Index j = 0; j < 6; ++j) {
    const bool kept = (drive.col(j) - patterns.col(j)).norm() < 0.1;
    const VectorXd weights =
        (patterns.transpose() * patterns).ldlt().solve(patterns.transpose() * drive.col(j));
    CHECK(weights.sum() == doctest::Approx(1));
    CHECK((weights[j] > 0.9) == kept);
  }
}

TEST_CASE("lost synapses are lost without compensation") {
  const MatrixXd patterns = patterns_of(60, 4);
  const MatrixXd whole = weights_of(network_of("binary_hopfield", patterns));
  const MatrixXd w =
      weights_of(with_biology(network_of("binary_hopfield", patterns), {.lesion_synapses = 0.3}, kKey));
  CHECK(((w - whole).array().abs() < 1e-12 || w.array().abs() < 1e-12).all());
  CHECK(w.norm() < whole.norm());
}

TEST_CASE("what is no matrix cannot be thinned, and says so") {
  CHECK_THROWS_WITH_AS(
      with_biology(network_of("simplicial", patterns_of(10, 2)), {.connectivity = 0.5}, kKey),
      doctest::Contains("not matrices"), base::UserError);
  CHECK_NOTHROW(with_biology(network_of("simplicial", patterns_of(10, 2)), {.tau_spread = 0.5}, kKey));
}
