#include "ecphory/training/optimiser.hpp"

#include <cmath>

#include <doctest/doctest.h>

using namespace ecphory;
using namespace ecphory::training;

namespace {

/// Weights after `steps` steps with the gradient (w − 1, 2 w) of ½ (w₀ − 1)² + w₁².
std::vector<double> trained(const OptimiserSettings& settings, std::uint64_t steps) {
  std::vector<double> w = {0.5, -0.25};
  Optimiser<double> optimiser({&settings, 1}, steps, 2);
  for (std::uint64_t step = 0; step < steps; ++step) {
    const std::vector<double> gradient = {w[0] - 1, 2 * w[1]};
    optimiser.step(std::span<const std::uint64_t>(&step, 1), compute::View(gradient.data(), 2, 1, 2),
                   compute::View(w.data(), 2, 1, 2));
  }
  return w;
}

}  // namespace

TEST_CASE("plain gradient descent: weights shrink by the decay and move by rate times gradient") {
  const auto w = trained({.rate = 0.1, .decay = 0.01}, 1);
  CHECK(w[0] == doctest::Approx(0.99 * 0.5 - 0.1 * -0.5).epsilon(1e-15));
  CHECK(w[1] == doctest::Approx(0.99 * -0.25 - 0.1 * -0.5).epsilon(1e-15));
}

TEST_CASE("AdamW's first step is the rate against the gradient's sign, and the decay times the rate") {
  // m / (1 − β₁) = g and v / (1 − β₂) = g², so the step is g / (|g| + ε).
  const auto w = trained({.method = Method::adamw, .rate = 0.1, .decay = 0.5, .epsilon = 1e-12}, 1);
  CHECK(w[0] == doctest::Approx((1 - 0.05) * 0.5 + 0.1).epsilon(1e-10));
  CHECK(w[1] == doctest::Approx((1 - 0.05) * -0.25 + 0.1).epsilon(1e-10));
}

TEST_CASE("AdamW follows its recursion over steps") {
  const OptimiserSettings s{
      .method = Method::adamw, .rate = 0.02, .decay = 0.1, .beta1 = 0.8, .beta2 = 0.9, .epsilon = 0.01};
  double w = 0.5;
  double m = 0;
  double v = 0;
  for (int step = 1; step <= 7; ++step) {
    const double g = w - 1;
    m = 0.8 * m + 0.2 * g;
    v = 0.9 * v + 0.1 * g * g;
    const double mean = m / (1 - std::pow(0.8, step));
    const double square = v / (1 - std::pow(0.9, step));
    w -= 0.02 * (mean / (std::sqrt(square) + 0.01) + 0.1 * w);
  }
  CHECK(trained(s, 7)[0] == doctest::Approx(w).epsilon(1e-13));
}

TEST_CASE("the rate rises over the warm-up and then stays, or falls to 0 on a line or half a cosine") {
  OptimiserSettings s{.rate = 2, .warmup = 4};
  CHECK(rate_at(s, 0, 104) == 0.5);
  CHECK(rate_at(s, 3, 104) == 2);
  CHECK(rate_at(s, 103, 104) == 2);
  s.schedule = Schedule::linear;
  CHECK(rate_at(s, 3, 104) == 2);
  CHECK(rate_at(s, 4, 104) == 2);
  CHECK(rate_at(s, 54, 104) == doctest::Approx(1).epsilon(1e-15));
  CHECK(rate_at(s, 104, 104) == 0);
  s.schedule = Schedule::cosine;
  CHECK(rate_at(s, 29, 104) == doctest::Approx(1 + std::sqrt(0.5)).epsilon(1e-14));
  CHECK(rate_at(s, 104, 104) == doctest::Approx(0).epsilon(1e-15));
}
