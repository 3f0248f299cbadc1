#include "ecphory/dynamics/ornstein_uhlenbeck.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/simulate.hpp"

using namespace ecphory;
using namespace ecphory::dynamics;
using Eigen::MatrixXd;

// The exact solution: a current of standard deviation σ and time constant τ into a leaky layer of time
// constant τ_x without other drives. In the stationary state the current has ⟨I(t) I(t+s)⟩ = σ² e^{−s/τ}, and
// the layer ⟨x²⟩ = σ² τ/(τ + τ_x), ⟨x I⟩ the same (Gardiner, Handbook of Stochastic Methods, ch. 4).
TEST_CASE("an Ornstein-Uhlenbeck current has its variance, its memory and its effect") {
  const OrnsteinUhlenbeck current{.tau = 4, .sigma = 1.5};
  constexpr double kTauX = 6;
  constexpr Eigen::Index kTrajectories = 20000;
  Network<double> network;
  const auto x = network.add_layer({.name = "x", .neurons = 1, .tau = kTauX});
  const auto layer = add_ornstein_uhlenbeck(network, x, current);
  CHECK(network.layers()[layer].name == "x current");
  MatrixXd initial = MatrixXd::Zero(2, kTrajectories);
  initial.row(network.first_row(layer)) = stationary(current.sigma, 1, kTrajectories, {.seed = 5});

  SimulationOptions<double> options;
  options.duration = 44;
  options.step = 0.05;
  options.integrator = {.method = Method::heun_stratonovich, .key = {.seed = 3}};
  options.record_times = {0, 40, 42, 44};
  const auto run = simulate<double>(network, initial, options);
  Eigen::ArrayXXd i(4, kTrajectories);
  Eigen::ArrayXXd v(4, kTrajectories);
  for (Eigen::Index j = 0; j < kTrajectories; ++j) {
    v.col(j) = run.record->trajectory(j).row(0).transpose();
    i.col(j) = run.record->trajectory(j).row(1).transpose();
  }
  // A variance of n samples is known to √(2/n) of itself: 1%. Four of these, and the step's error of 0.1%.
  const double slack = 0.04;
  const double variance = current.sigma * current.sigma;
  for (const Eigen::Index k : {0, 1, 3}) CHECK(std::abs(i.row(k).square().mean() / variance - 1) < slack);
  CHECK(std::abs(i.row(1).mean()) < 4 * current.sigma / std::sqrt(static_cast<double>(kTrajectories)));
  for (const auto& [k, s] : {std::pair{2, 2.0}, {3, 4.0}}) {
    CHECK(std::abs((i.row(1) * i.row(k)).mean() / variance - std::exp(-s / current.tau)) < slack);
  }
  const double effect = variance * current.tau / (current.tau + kTauX);
  CHECK(std::abs(v.row(3).square().mean() / effect - 1) < slack);
  CHECK(std::abs((v.row(3) * i.row(3)).mean() / effect - 1) < slack);
}

TEST_CASE("a current out of range, and a method without noise, are refused") {
  Network<double> network;
  const auto x = network.add_layer({.name = "x", .neurons = 1});
  CHECK_THROWS_AS(add_ornstein_uhlenbeck(network, x, {.tau = 0}), base::UserError);
  CHECK_THROWS_AS(add_ornstein_uhlenbeck(network, x, {.sigma = -1}), base::UserError);
  add_ornstein_uhlenbeck(network, x, {});
  CHECK_THROWS_AS(simulate<double>(network, MatrixXd::Zero(2, 1), {}), base::UserError);
}
