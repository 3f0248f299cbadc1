#include "ecphory/landscape/continuation.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

#include "dynamics/networks.hpp"
#include "refusal.hpp"

using namespace ecphory;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using landscape::Branch;
using landscape::BranchEnd;
using landscape::ContinuationOptions;
using landscape::continue_branch;
using landscape::NetworkAt;
using landscape::switch_branch;

namespace {

constexpr double kTau = 10;

/// Model B with τ_h = 0 as a function of β.
NetworkAt modern(const MatrixXd& patterns) {
  return [patterns](double beta) {
    dynamics::Network<double> network;
    const auto v = network.add_layer({.name = "v", .neurons = patterns.rows(), .tau = kTau});
    const auto h = network.add_layer(
        {.name = "h", .neurons = patterns.cols(), .lagrangian = dynamics::LogSumExp{beta}, .tau = 0});
    network.add_synapse(dynamics::Symmetric<double>{v, h, dynamics::weights<double>(patterns)});
    return network;
  };
}

/// τ x' = −x + linear · x + quadratic · x² + current, one neuron.
dynamics::Network<double> parabola(double linear, double quadratic, double current) {
  dynamics::Network<double> network;
  const auto x =
      network.add_layer({.name = "x",
                         .neurons = 1,
                         .tau = kTau,
                         .input = dynamics::constant_current<double>(MatrixXd::Constant(1, 1, current))});
  const auto square =
      network.add_layer({.name = "square", .neurons = 1, .lagrangian = dynamics::Power{3}, .tau = 0});
  network.add_synapse(dynamics::Relay<double>{x, x, linear});
  network.add_synapse(dynamics::Relay<double>{x, square, 1});
  network.add_synapse(dynamics::Relay<double>{square, x, quadratic});
  return network;
}

/// τ x' = −x + w tanh(x) + I, one neuron, as a function of I.
NetworkAt hysteresis(double w) {
  return [w](double current) {
    dynamics::Network<double> network;
    const auto x =
        network.add_layer({.name = "x",
                           .neurons = 1,
                           .lagrangian = dynamics::Tanh{1},
                           .tau = kTau,
                           .input = dynamics::constant_current<double>(MatrixXd::Constant(1, 1, current))});
    network.add_synapse(
        dynamics::Symmetric<double>{x, x, dynamics::weights<double>(MatrixXd::Constant(1, 1, w))});
    return network;
  };
}

/// The zero of f, which has one between a and b.
template <class F>
double bisect(const F& f, double a, double b) {
  const bool rising = f(b) > 0;
  for (int k = 0; k < 200; ++k) {
    const double middle = (a + b) / 2;
    ((f(middle) > 0) == rising ? b : a) = middle;
  }
  return (a + b) / 2;
}

/// Of the special points, a space behind each.
std::string kinds(const Branch& branch) {
  std::string result;
  for (const auto& special : branch.special) result.append(base::name_of(special.kind)).append(" ");
  return result;
}

double largest_residual(const Branch& branch) {
  double largest = 0;
  for (const auto& point : branch.points) largest = std::max(largest, point.residual);
  return largest;
}

}  // namespace

// Two patterns of one length, L = ‖x1 − x2‖: the drive keeps v on the line v = (x1 + x2)/2 + d (x1 − x2)/2,
// where p1 − p2 = tanh(β (x1 − x2)·v / 2) = tanh(β L² d / 4), so that τ d' = tanh(β L² d / 4) − d. Hence a
// pitchfork of d = 0 at β = 4 / L², where τ d' = −d³ / 3, and along the unit vector of x1 − x2, on which
// α = d L / 2, α' = −(4 / (3 L² τ)) α³.
TEST_CASE("a mixture of two patterns splits at a pitchfork in beta, and the branches end at the patterns") {
  MatrixXd patterns = tests::normals(6, 2, 3);
  patterns.colwise().normalize();
  const VectorXd mean = patterns.rowwise().mean();
  const VectorXd difference = patterns.col(0) - patterns.col(1);
  const double critical = 4 / difference.squaredNorm();
  const NetworkAt network_at = modern(patterns);
  const ContinuationOptions options{.low = 0.1 * critical, .high = 5 * critical};

  const Branch branch = continue_branch(network_at, mean, 0.2 * critical, options);
  CHECK(branch.end == BranchEnd::range_end);
  CHECK(branch.points.back().parameter == options.high);
  REQUIRE(kinds(branch) == "pitchfork ");
  const auto& pitchfork = branch.special[0];
  // Located by the cubic's error (1/100 of a step)⁴ = 6e-14 of the range, and rounding over the distance
  // from the point, 1e-16 / 2.5e-4 of the range.
  CHECK(std::abs(pitchfork.parameter - critical) < 1e-10 * critical);
  CHECK((pitchfork.state - mean).norm() < 1e-10);
  const double expected = -4 / (3 * difference.squaredNorm() * kTau);
  CHECK(pitchfork.coefficient == doctest::Approx(expected).epsilon(1e-6));  // rounding of a third difference
  for (const auto& point : branch.points) CHECK(point.unstable == (point.parameter > critical ? 1 : 0));
  // Of the Jacobian: (β L² / 4 − 1) / τ along the difference, −1 / τ across.
  for (const auto& point : branch.points) {
    const double along = (point.parameter / critical - 1) / kTau;
    const double leading = std::max(along, -1 / kTau);
    CHECK(std::abs(point.eigenvalues[0] - leading) < 1e-10);
  }

  const auto starts = switch_branch(network_at, pitchfork, options);
  REQUIRE(starts.size() == 2);
  const double d = bisect([&](double at) { return at - std::tanh(5 * at); }, 0.5, 1);
  std::vector<double> ends;
  for (const auto& start : starts) {
    ContinuationOptions onward = options;
    onward.direction = start.direction;
    CHECK(start.direction == 1);
    const Branch arm = continue_branch(network_at, start.state, start.parameter, onward);
    CHECK(arm.end == BranchEnd::range_end);
    CHECK(arm.special.empty());
    CHECK(arm.points.back().unstable == 0);
    CHECK(largest_residual(arm) < 1e-13);
    ends.push_back((arm.points.back().state - mean).dot(difference) * 2 / difference.squaredNorm());
    CHECK(std::abs(std::abs(ends.back()) - d) < 1e-10);  // Newton's last step is below 1e-10
    const VectorXd& pattern = patterns.col(ends.back() > 0 ? 0 : 1);
    CHECK((arm.points.back().state - pattern).norm() < 1e-4 * difference.norm());  // (1 − d) / 2 = 5e-5
  }
  CHECK(ends[0] * ends[1] < 0);
}

// With the share p of x1, v = x2 + p (x1 − x2) and log(p / (1 − p)) = β (x1 − x2)·v, which gives β as a
// function of p. The longer pattern wins as β grows from 0; the other's branch has a fold where dβ/dp = 0.
TEST_CASE(
    "patterns of different lengths: the pitchfork breaks into a branch without special points and a fold") {
  MatrixXd patterns = tests::normals(6, 2, 3);
  patterns.colwise().normalize();
  patterns.col(0) *= 1.05;
  const VectorXd difference = patterns.col(0) - patterns.col(1);
  const double square = difference.squaredNorm();
  const double offset = difference.dot(patterns.col(1));
  const auto beta_of = [&](double p) { return std::log(p / (1 - p)) / (offset + square * p); };
  const double p_fold =
      bisect([&](double p) { return (offset + square * p) / (p * (1 - p)) - square * std::log(p / (1 - p)); },
             1e-6, -offset / square - 1e-9);

  ContinuationOptions options{.low = 0.01, .high = 8};
  const NetworkAt network_at = modern(patterns);
  const Branch longer = continue_branch(network_at, patterns.rowwise().mean(), 0.01, options);
  CHECK(longer.end == BranchEnd::range_end);
  CHECK(longer.special.empty());
  CHECK((longer.points.back().state - patterns.col(0)).norm() < 0.01);

  options.direction = -1;
  const Branch shorter = continue_branch(network_at, patterns.col(1), 8, options);
  CHECK(shorter.end == BranchEnd::range_end);
  CHECK(shorter.points.back().parameter == 8);
  REQUIRE(kinds(shorter) == "fold ");
  CHECK(shorter.points.front().unstable == 0);
  CHECK(shorter.points.back().unstable == 1);
  // The parameter is stationary at the fold; the state is known to the error of the cubic.
  CHECK(std::abs(shorter.special[0].parameter - beta_of(p_fold)) < 1e-11);
  CHECK((shorter.special[0].state - patterns.col(1) - p_fold * difference).norm() < 1e-8);
  CHECK(tests::contains(tests::refusal([&] { switch_branch(network_at, shorter.special[0], options); }),
                        "fold"));
}

// u = 0 has the Jacobian (κ W − 1) / τ with W = ξξᵀ/N. Along φ = ξ / ‖ξ‖, at κ = 1 / λ, λ = ‖ξ‖² / N:
// α' = −(κ² / 3) Σ φ⁴ α³ / τ.
TEST_CASE("silence of a Hopfield network loses its stability at a gain of one over the largest weight") {
  const VectorXd pattern = tests::normals(8, 1, 5);
  const double critical = 8 / pattern.squaredNorm();
  const NetworkAt network_at = [&](double gain) {
    dynamics::Network<double> network;
    const auto u =
        network.add_layer({.name = "u", .neurons = 8, .lagrangian = dynamics::Tanh{gain}, .tau = kTau});
    network.add_synapse(
        dynamics::Symmetric<double>{u, u, dynamics::weights<double>(pattern * pattern.transpose() / 8)});
    return network;
  };
  const ContinuationOptions options{.low = 0.1, .high = 4 * critical};
  const Branch branch = continue_branch(network_at, VectorXd::Zero(8), 0.1, options);
  REQUIRE(kinds(branch) == "pitchfork ");
  CHECK(std::abs(branch.special[0].parameter - critical) < 1e-10 * critical);
  const double quartic = pattern.normalized().array().pow(4).sum();
  CHECK(branch.special[0].coefficient ==
        doctest::Approx(-critical * critical / 3 * quartic / kTau).epsilon(1e-6));
  const auto starts = switch_branch(network_at, branch.special[0], options);
  REQUIRE(starts.size() == 2);
  // The way back along an arm, through the pitchfork and out on the other.
  ContinuationOptions back = options;
  back.direction = -1;
  const Branch arms = continue_branch(network_at, starts[0].state, starts[0].parameter, back);
  CHECK(arms.end == BranchEnd::range_end);
  REQUIRE(kinds(arms) == "pitchfork ");
  CHECK(std::abs(arms.special[0].parameter - critical) < 1e-10 * critical);
  CHECK(arms.points.back().state.dot(pattern) * starts[0].state.dot(pattern) < 0);
  CHECK(arms.points.back().parameter == options.high);
}

// Folds of −x + w tanh(x) + I: w (1 − tanh² x) = 1, where half the second derivative is −tanh(x).
TEST_CASE("a neuron that excites itself has hysteresis in its current between two folds") {
  const double w = 2;
  const double t = std::sqrt(1 - 1 / w);
  const double x = std::atanh(t);
  const double current = w * t - x;
  const Branch branch = continue_branch(hysteresis(w), VectorXd::Constant(1, -4), -2, {.low = -2, .high = 2});
  CHECK(branch.end == BranchEnd::range_end);
  REQUIRE(kinds(branch) == "fold fold ");
  CHECK(std::abs(branch.special[0].parameter - current) < 1e-12);
  CHECK(std::abs(branch.special[1].parameter + current) < 1e-12);
  CHECK(std::abs(branch.special[0].state[0] + x) < 1e-8);
  CHECK(std::abs(std::abs(branch.special[0].coefficient) - t / kTau) < 1e-8);
  CHECK(branch.special[0].arclength < branch.special[1].arclength);
  for (const auto& point : branch.points) {
    CHECK(point.unstable == (std::abs(point.state[0]) < x ? 1 : 0));
    CHECK(std::abs(point.parameter - (point.state[0] - w * std::tanh(point.state[0]))) < 1e-12);
  }
}

// At x = y = 0, with the gain κ of both: τ₁ x' = −x + κ (a x − b y), τ₂ y' = −y + κ c x. The trace is 0 at
// κ = (1 + τ₁/τ₂) / a, and ω² is the determinant there.
TEST_CASE("an excitatory and an inhibitory neuron start to oscillate at a Hopf point") {
  const double a = 2, b = 3, c = 2.5, tau_1 = 10, tau_2 = 25;
  const NetworkAt network_at = [&](double gain) {
    dynamics::Network<double> network;
    const auto x =
        network.add_layer({.name = "x", .neurons = 1, .lagrangian = dynamics::Tanh{gain}, .tau = tau_1});
    const auto y =
        network.add_layer({.name = "y", .neurons = 1, .lagrangian = dynamics::Tanh{gain}, .tau = tau_2});
    network.add_synapse(dynamics::Relay<double>{x, x, a});
    network.add_synapse(dynamics::Relay<double>{y, x, -b});
    network.add_synapse(dynamics::Relay<double>{x, y, c});
    return network;
  };
  const double gain = (1 + tau_1 / tau_2) / a;
  const double omega = std::sqrt((1 - gain * a + gain * gain * b * c) / (tau_1 * tau_2));
  const Branch branch = continue_branch(network_at, VectorXd::Zero(2), 0.2, {.low = 0.2, .high = 1.3});
  REQUIRE(kinds(branch) == "hopf ");
  CHECK(std::abs(branch.special[0].parameter - gain) < 1e-10);
  CHECK(std::abs(branch.special[0].frequency - omega) < 1e-10);
  CHECK(branch.points.back().unstable == 2);
  CHECK(tests::contains(
      tests::refusal([&] { switch_branch(network_at, branch.special[0], {.low = 0.2, .high = 1.3}); }),
      "hopf"));
}

// τ x' = (κ − 1) x + x²: x = 0 and x = 1 − κ cross at κ = 1, where α' = ±α² / τ.
TEST_CASE("two branches that cross are a transcritical point, and either is found from the other") {
  const NetworkAt network_at = [](double gain) { return parabola(gain, 1, 0); };
  const ContinuationOptions options{.low = 0.3, .high = 2};
  const Branch zero = continue_branch(network_at, VectorXd::Zero(1), 0.3, options);
  REQUIRE(kinds(zero) == "transcritical ");
  CHECK(std::abs(zero.special[0].parameter - 1) < 1e-11);
  CHECK(std::abs(std::abs(zero.special[0].coefficient) - 1 / kTau) < 1e-8);
  const auto starts = switch_branch(network_at, zero.special[0], options);
  REQUIRE(starts.size() == 2);
  CHECK(starts[0].direction * starts[1].direction == -1);
  for (const auto& start : starts) CHECK(std::abs(start.state[0] - (1 - start.parameter)) < 1e-12);
  const Branch other = continue_branch(network_at, VectorXd::Constant(1, 0.7), 0.3, options);
  REQUIRE(kinds(other) == "transcritical ");
  CHECK(std::abs(other.special[0].parameter - 1) < 1e-11);
}

// Three orthonormal patterns: at p = 1/3 the Jacobian is (β / 3 − 1) / τ on the plane of their differences.
TEST_CASE(
    "the mixture of three patterns has two eigenvalues that are 0 at once, and branches to every pattern") {
  const MatrixXd patterns = MatrixXd::Identity(4, 3);
  const NetworkAt network_at = modern(patterns);
  const ContinuationOptions options{.low = 1, .high = 8};
  const Branch branch = continue_branch(network_at, patterns.rowwise().mean(), 1, options);
  REQUIRE(kinds(branch) == "branch_point ");
  CHECK(std::abs(branch.special[0].parameter - 3) < 1e-9);
  CHECK(branch.special[0].null_vectors.cols() == 2);
  CHECK(branch.points.back().unstable == 2);
  std::vector<bool> reached(3, false);
  for (const auto& start : switch_branch(network_at, branch.special[0], options)) {
    ContinuationOptions onward = options;
    onward.direction = start.direction;
    const Branch arm = continue_branch(network_at, start.state, start.parameter, onward);
    for (Index k = 0; k < 3; ++k) {
      if ((arm.points.back().state - patterns.col(k)).norm() < 0.01)
        reached[static_cast<std::size_t>(k)] = true;
    }
  }
  CHECK(std::ranges::count(reached, true) == 3);
}

// 1 − p² − x² = 0.
TEST_CASE("a branch that is a circle is closed after two folds") {
  const Branch branch = continue_branch([](double p) { return parabola(1, -1, 1 - p * p); },
                                        VectorXd::Ones(1), 0, {.low = -2, .high = 2});
  CHECK(branch.end == BranchEnd::closed);
  REQUIRE(kinds(branch) == "fold fold ");
  CHECK(std::abs(branch.special[0].parameter - 1) < 1e-12);
  CHECK(std::abs(branch.special[1].parameter + 1) < 1e-12);
  CHECK(branch.points.back().state == branch.points.front().state);
  for (const auto& point : branch.points) CHECK(point.residual < 1e-13);
}

TEST_CASE("how a branch ends is told") {
  MatrixXd patterns = MatrixXd::Identity(3, 2);
  SUBCASE("outside the domain of the parameter") {
    const Branch branch = continue_branch(modern(patterns), patterns.rowwise().mean(), 1,
                                          {.direction = -1, .low = -1, .high = 1});
    CHECK(branch.end == BranchEnd::left_domain);
    CHECK(tests::contains(branch.message, "beta"));
    CHECK(branch.points.back().parameter > 0);
    CHECK(branch.points.back().parameter < 1e-5);  // a few of the smallest steps, 2e-7
  }
  SUBCASE("after so many points") {
    const Branch branch = continue_branch(modern(patterns), patterns.rowwise().mean(), 1,
                                          {.low = 0.1, .high = 9, .max_points = 7});
    CHECK(branch.end == BranchEnd::point_limit);
    CHECK(branch.points.size() == 7);
  }
  SUBCASE("at a corner: x = I and x = -I meet at I = 0") {
    const NetworkAt network_at = [](double current) {
      dynamics::Network<double> network;
      const auto x =
          network.add_layer({.name = "x",
                             .neurons = 1,
                             .lagrangian = dynamics::RectifiedPower{2},
                             .tau = kTau,
                             .input = dynamics::constant_current<double>(MatrixXd::Constant(1, 1, current))});
      network.add_synapse(dynamics::Relay<double>{x, x, 2});
      return network;
    };
    const Branch branch = continue_branch(network_at, VectorXd::Constant(1, -1), -1, {.low = -1, .high = 1});
    CHECK(branch.end == BranchEnd::step_too_small);
    CHECK(std::abs(branch.points.back().parameter) < 1e-5);
  }
  SUBCASE("at the end of the range, which may be the end of the domain") {
    const NetworkAt network_at = [&](double beta) {
      if (beta > 2) throw base::UserError({.problem = "more than 2"});
      return modern(patterns)(beta);
    };
    const Branch branch = continue_branch(network_at, patterns.rowwise().mean(), 1, {.low = 0.5, .high = 2});
    CHECK(branch.end == BranchEnd::range_end);
    CHECK(branch.points.back().parameter == 2);
  }
  SUBCASE("where the drive is not finite") {
    // The square of p overflows, and 0 times it is NaN.
    const NetworkAt network_at = [](double p) {
      auto network = parabola(0, 0, 1);
      const auto large =
          network.add_layer({.name = "large", .neurons = 1, .lagrangian = dynamics::Power{3}, .tau = 0});
      network.add_synapse(dynamics::Relay<double>{0, large, p});
      network.add_synapse(dynamics::Relay<double>{large, 0, 0});
      return network;
    };
    const Branch branch = continue_branch(network_at, VectorXd::Ones(1), 1e153, {.low = 0, .high = 1e155});
    CHECK(branch.points.back().parameter > 9.4e153);  // where the slope 2p² overflows, at 9.48e153
    CHECK(branch.end == BranchEnd::not_finite);
  }
}

TEST_CASE("a branch that cannot begin is refused with what to do") {
  const MatrixXd patterns = MatrixXd::Identity(3, 2);
  const VectorXd mean = patterns.rowwise().mean();
  const auto refused = [&](const ContinuationOptions& options, const VectorXd& start, double parameter) {
    return tests::refusal([&] { continue_branch(modern(patterns), start, parameter, options); });
  };
  CHECK(tests::contains(refused({.low = 1, .high = 5}, mean, 7), "start at 5"));
  CHECK(tests::contains(refused({.low = 5, .high = 5}, mean, 5), "no range"));
  CHECK(tests::contains(refused({.direction = 0, .low = 1, .high = 5}, mean, 1), "direction"));
  CHECK(tests::contains(refused({.low = 1, .high = 5, .initial_step = 1}, mean, 1), "largest_step"));
  CHECK(tests::contains(refused({.low = 1, .high = 5, .max_points = 0}, mean, 1), "max_points"));
  CHECK(tests::contains(refused({.low = 1, .high = 5}, VectorXd::Zero(2), 1), "3 finite numbers"));
  CHECK(tests::contains(refused({.low = -1, .high = 5}, mean, -1), "beta"));
  // No fixed point at p = 1.5.
  const NetworkAt circle = [](double p) { return parabola(1, -1, 1 - p * p); };
  CHECK(tests::contains(
      tests::refusal([&] { continue_branch(circle, VectorXd::Ones(1), 1.5, {.low = -2, .high = 2}); }),
      "simulate()"));
}
