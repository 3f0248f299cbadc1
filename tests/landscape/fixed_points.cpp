#include "ecphory/landscape/fixed_points.hpp"

#include <cmath>
#include <numeric>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

#include "landscape/memories.hpp"

using namespace ecphory;
using namespace ecphory::landscape;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

Index starts_that_arrived(const FixedPoints& found) {
  return std::accumulate(found.basin.begin(), found.basin.end(), Index{0});
}

}  // namespace

TEST_CASE("three orthonormal patterns: three memories, three saddles between two, one mean of all") {
  const double beta = 12;
  const MatrixXd xi = tests::orthonormal(9, 3);
  const auto network = tests::retrieval(xi, beta);
  // Weights: a on one pattern or on each of two, the rest spread evenly; a/b = exp(β(a − b)).
  const double one =
      tests::root([&](double a) { return std::log(2 * a / (1 - a)) - beta * (1.5 * a - 0.5); }, 0.8, 1);
  const double two =
      tests::root([&](double a) { return std::log(a / (1 - 2 * a)) - beta * (3 * a - 1); }, 0.45, 0.5);
  MatrixXd starts(9, 70);
  for (Index j = 0; j < 70; ++j) {  // 30 times a pattern each in turn, 30 a midpoint, 10 the mean
    VectorXd weights = VectorXd::Zero(3);
    if (j < 30) {
      weights[j % 3] = 1;
    } else if (j < 60) {
      weights.setConstant(0.5);
      weights[j % 3] = 0;
    } else {
      weights.setConstant(1.0 / 3);
    }
    starts.col(j) = xi * weights + 0.01 * tests::normals(9, 1, static_cast<std::uint64_t>(100 + j));
  }
  const FixedPoints found = fixed_points(network, starts, {}, xi);
  REQUIRE(found.count() == 7);
  CHECK(starts_that_arrived(found) == 70);
  CHECK(found.basin == std::vector<Index>(7, 10));
  const auto kinds = {FixedPointClass::stored, FixedPointClass::mixture, FixedPointClass::global_mean};
  for (Index k = 0; k < 7; ++k) {  // equal basins: in the order of the first start
    const auto at = static_cast<std::size_t>(k);
    const Index of = k / 3;
    VectorXd weights = VectorXd::Constant(3, of == 0 ? (1 - one) / 2 : of == 1 ? two : 1.0 / 3);
    if (of == 0) weights[k % 3] = one;
    if (of == 1) weights[k % 3] = 1 - 2 * two;
    CHECK((found.state.col(k) - xi * weights).norm() < 1e-11);  // tolerance over singular values above 0.1
    CHECK((found.output.col(k) - found.state.col(k)).norm() == 0);
    CHECK(found.residual[k] < 1e-12);
    CHECK(found.index[at] == of);
    CHECK(found.classes[at].kind == *(kinds.begin() + of));
    CHECK(found.classes[at].mixed == of + 1);
    for (Index j = 0; j < 70; ++j) {
      const Index expected = j < 60 ? 3 * (j / 30) + j % 3 : 6;
      if (expected == k) CHECK(found.reached[static_cast<std::size_t>(j)] == k);
    }
  }
  CHECK(std::abs(found.eigenvalues(0, 6) - (beta / 3 - 1) / 10) < 1e-11);
  // E = |v|²/2 − log Σ exp(βh)/β: the less, the deeper.
  CHECK(found.energy[0] < found.energy[3]);
  CHECK(found.energy[3] < found.energy[6]);
  CHECK(std::abs(found.energy[6] - (1.0 / 6 - (std::log(3.0) + beta / 3) / beta)) < 1e-12);
}

TEST_CASE("graded neurons store patterns, their reverses and symmetric mixtures of three") {
  // u = m (±ξ₁ ± ξ₂ ± ξ₃), whose elements are ±3m for one neuron in four and ±m for the others:
  // m = [tanh(3κm) + tanh(κm)] / 4 (Amit, Gutfreund & Sompolinsky 1985).
  const double gain = 8;
  const MatrixXd xi = tests::signs();
  const auto network = tests::graded(xi, gain);
  const double pure = tests::root([&](double m) { return m - std::tanh(gain * m); }, 0.2, 1.5);
  const double mixed = tests::root(
      [&](double m) { return m - (std::tanh(3 * gain * m) + std::tanh(gain * m)) / 4; }, 0.2, 1.5);
  MatrixXd starts(8, 14);
  for (Index mu = 0; mu < 3; ++mu) {
    starts.col(2 * mu) = xi.col(mu);
    starts.col(2 * mu + 1) = -xi.col(mu);
  }
  for (Index k = 0; k < 8; ++k) {
    starts.col(6 + k).setZero();
    for (Index mu = 0; mu < 3; ++mu) starts.col(6 + k) += (((k >> mu) & 1) != 0 ? 0.5 : -0.5) * xi.col(mu);
  }
  starts += 0.02 * tests::normals(8, 14, 3);
  const FixedPoints found = fixed_points(network, starts, {.relax = relaxation(network)}, xi);
  REQUIRE(found.count() == 14);
  for (Index k = 0; k < 14; ++k) {
    const auto at = static_cast<std::size_t>(k);
    CHECK(found.reached[at] == k);
    CHECK(found.index[at] == 0);
    if (k < 6) {
      const double sign = k % 2 == 0 ? 1 : -1;
      CHECK(found.classes[at].kind == FixedPointClass::stored);
      CHECK(found.classes[at].pattern == k / 2);
      CHECK(std::abs(found.classes[at].cosine - sign) < 1e-12);
      CHECK((found.state.col(k) - sign * pure * xi.col(k / 2)).norm() < 1e-11);
    } else {
      CHECK(found.classes[at].kind == FixedPointClass::mixture);
      CHECK(found.classes[at].mixed == 3);
      // Overlaps Ξᵀu/N are ±m.
      CHECK(((xi.transpose() * found.state.col(k) / 8).cwiseAbs().array() - mixed).abs().maxCoeff() < 1e-11);
    }
  }
}

TEST_CASE("one fixed point only where β m_max² < 1, near the mean of all patterns") {
  // Ramsauer et al. (2021), appendix A.1.5: the update is a contraction, m_max being the largest distance of
  // a pattern from the mean.
  const MatrixXd xi = tests::normals(32, 8, 5) / std::sqrt(32.0) + MatrixXd::Constant(32, 8, 0.3);
  const double m_max = (xi.colwise() - xi.rowwise().mean()).colwise().norm().maxCoeff();
  const MatrixXd starts = tests::normals(32, 150, 6);
  for (const bool relax : {false, true}) {
    const auto network = tests::retrieval(xi, 0.95 / (m_max * m_max));
    FixedPointOptions options;
    if (relax) options.relax = relaxation(network);
    const FixedPoints found = fixed_points(network, starts, options, xi);
    REQUIRE(found.count() == 1);
    CHECK(found.basin[0] == 150);
    CHECK(found.index[0] == 0);
    CHECK(found.eigenvalues(0, 0).real() < 0);
    CHECK(found.classes[0].kind == FixedPointClass::global_mean);
  }
  // Far beyond, every pattern is a fixed point of its own.
  const auto network = tests::retrieval(xi, 40 / (m_max * m_max));
  const FixedPoints found = fixed_points(network, xi, {.relax = relaxation(network)}, xi);
  CHECK(found.count() == 8);
}

TEST_CASE("relaxed starts count for the attractor whose basin they lie in") {
  const MatrixXd xi = tests::normals(24, 6, 1) / std::sqrt(24.0);
  const auto network = tests::retrieval(xi, 9);
  const MatrixXd starts = 0.5 * tests::normals(24, 200, 8);
  const FixedPoints found = fixed_points(network, starts, {.relax = relaxation(network)}, xi);
  // Exponential Euler with step τ goes another way than the flow; so does the reference.
  const auto reference =
      dynamics::simulate<double>(network, starts,
                                 {.duration = 20000,
                                  .integrator = {.method = dynamics::Method::exponential_euler},
                                  .step = 10,
                                  .coordinates = dynamics::Coordinates::neuron});
  CHECK(starts_that_arrived(found) == 200);
  CHECK(found.count() > 2);
  CHECK(found.count() < 20);
  for (std::size_t k = 0; k < found.basin.size(); ++k) {
    CHECK(found.index[k] == 0);
    if (k > 0) CHECK(found.basin[k] <= found.basin[k - 1]);
    CHECK(std::ranges::count(found.reached, static_cast<Index>(k)) == found.basin[k]);
  }
  for (Index j = 0; j < 200; ++j) {
    const Index point = found.reached[static_cast<std::size_t>(j)];
    REQUIRE(point >= 0);
    CHECK((found.state.col(point) - reference.state.col(j)).norm() < 1e-9);  // 2000 τ: at rest to rounding
  }
}

TEST_CASE("starts that lead nowhere count for no point") {
  // τ ẋ = 2x + I − x: the only fixed point is −I, unstable, and x runs away from it.
  dynamics::Network<double> network;
  const auto x = network.add_layer(
      {.name = "x", .neurons = 1, .input = dynamics::constant_current<double>(MatrixXd::Ones(1, 1))});
  network.add_synapse(
      dynamics::Symmetric<double>{x, x, dynamics::weights<double>(MatrixXd::Constant(1, 1, 2))});
  dynamics::SimulationOptions<double> away = relaxation(network);
  away.duration = 1e5;
  const FixedPoints none = fixed_points(network, MatrixXd::Ones(1, 3), {.relax = away}, MatrixXd::Ones(1, 1));
  CHECK(none.count() == 0);
  CHECK(none.reached == std::vector<Index>(3, -1));
  CHECK(none.classes.empty());
  const FixedPoints found = fixed_points(network, MatrixXd::Ones(1, 3));
  REQUIRE(found.count() == 1);
  CHECK(found.index[0] == 1);
  CHECK(found.classes.empty());
}

TEST_CASE("inputs are held at one time, noise is left out, and no energy is NaN") {
  dynamics::Network<double> network;
  const auto x = network.add_layer(
      {.name = "x",
       .neurons = 2,
       .input = dynamics::token_sequence<double>(5, {MatrixXd{{1.0}, {0.0}}, MatrixXd{{0.0}, {4.0}}}),
       .noise = {.additive = 1}});
  network.add_synapse(
      dynamics::Asymmetric<double>{x, x, dynamics::weights<double>(MatrixXd{{0.0, 0.5}, {0.0, 0.0}})});
  FixedPointOptions options{.relax = relaxation(network)};
  options.newton.t = 7;
  const FixedPoints found = fixed_points(network, MatrixXd::Zero(2, 1), options);
  REQUIRE(found.count() == 1);
  CHECK((found.state - MatrixXd{{2.0}, {4.0}}).norm() < 1e-11);
  CHECK(std::isnan(found.energy[0]));
  options.newton.t = 20;
  CHECK(fixed_points(network, MatrixXd::Ones(2, 1), options).state.norm() < 1e-11);
}

TEST_CASE("a search says what it cannot do") {
  auto network = tests::model_b(6, 4, 2, 10, 0);
  const MatrixXd start = MatrixXd::Zero(6, 2);
  CHECK_THROWS_AS(fixed_points(network, start, {.merge_distance = 0}), base::UserError);
  CHECK_THROWS_AS(fixed_points(network, MatrixXd::Zero(5, 2)), base::UserError);
  CHECK_THROWS_AS(fixed_points(network, start, {}, MatrixXd::Ones(5, 2)), base::UserError);
  CHECK_THROWS_AS(fixed_points(network, start, {.criteria = {.cosine = 2}}, MatrixXd::Ones(6, 2)),
                  base::UserError);
  CHECK_THROWS_AS(fixed_points(network, start, {.spectrum = {.leading = -1}}), base::UserError);
  dynamics::Network<double> binary;
  binary.add_layer({.name = "spins", .neurons = 6, .lagrangian = dynamics::Sign{}});
  CHECK_THROWS_AS(fixed_points(binary, start), base::UserError);
  network.set_input(0, dynamics::constant_current<double>(MatrixXd::Ones(6, 2)));
  CHECK_THROWS_AS(fixed_points(network, start), base::UserError);
}

TEST_CASE("synapses count as they are at the time that is asked for") {
  // x' = −x + w tanh(2x): 0 alone for w = 0.25, which holds until 50 ms; two more for w = 1.
  dynamics::Network<double> network;
  network.add_layer({.name = "x", .neurons = 1, .lagrangian = dynamics::Tanh{2}});
  const auto w = [](double value) { return dynamics::weights<double>(MatrixXd::Constant(1, 1, value)); };
  network.add_synapse(dynamics::Symmetric<double>{0, 0, w(0.25)}, {.until = 50});
  network.add_synapse(dynamics::Symmetric<double>{0, 0, w(1)}, {.from = 50});
  MatrixXd starts(1, 4);
  starts << -1, -0.5, 0.5, 1;
  FixedPointOptions options;
  options.relax = relaxation(network);
  CHECK(fixed_points(network, starts, options).count() == 1);
  options.newton.t = 60;
  const FixedPoints later = fixed_points(network, starts, options);
  REQUIRE(later.count() == 2);
  const double x = std::abs(later.state(0, 0));
  CHECK(x == doctest::Approx(std::tanh(2 * x)).epsilon(1e-12));
  CHECK(x > 0.9);
}
