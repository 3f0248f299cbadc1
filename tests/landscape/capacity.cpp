#include "ecphory/landscape/capacity.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/random.hpp"

using namespace ecphory;
using namespace ecphory::landscape;

namespace {

/// Retrievals that succeed with probability 1/(1 + (load/half)^steepness).
RetrievalTrials coin(double half, double steepness, std::uint64_t seed) {
  return [=](double load, std::int64_t first, std::int64_t n) {
    const double p = 1 / (1 + std::pow(load / half, steepness));
    std::vector<double> u(static_cast<std::size_t>(n));
    base::RandomStream({.seed = seed, .point = static_cast<std::uint64_t>(load * 1e9)}, base::Purpose("coin"))
        .uniforms(static_cast<std::uint64_t>(first), std::span(u));
    return static_cast<std::int64_t>(std::ranges::count_if(u, [&](double x) { return x < p; }));
  };
}

}  // namespace

TEST_CASE("the load at which half fail is found, between loads that were decided") {
  int covered = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const HalfLoad found = half_load(coin(0.14, 25, seed), {.low = 0.02, .high = 1, .width = 0.005});
    CHECK(found.within);
    CHECK(found.low <= found.load);
    CHECK(found.load <= found.high);
    // 400 trials decide shares 0.05 from 1/2, which is 0.2/25 in the logarithm of the load; four times that.
    CHECK(std::abs(std::log(found.load / 0.14)) < 0.032);
    covered += found.low < 0.14 && found.high > 0.14 ? 1 : 0;
  }
  // Each of about ten decisions is at 95% and most are clear.
  CHECK(covered >= 85);
}

TEST_CASE("a sharp transition is bracketed to the width asked for, with few trials") {
  std::int64_t trials = 0;
  std::map<double, std::int64_t> next;
  const HalfLoad found = half_load(
      [&](double load, std::int64_t first, std::int64_t n) {
        CHECK(first == next[load]);
        next[load] += n;
        trials += n;
        return load < 0.3 ? n : 0;
      },
      {.low = 0.01, .high = 1, .width = 0.01, .batch = 10});
  CHECK(found.low < 0.3);
  CHECK(found.high >= 0.3);
  CHECK(found.high <= found.low * 1.01);
  CHECK(trials == 10 * static_cast<std::int64_t>(found.points.size()));
}

TEST_CASE("a transition outside the range is told, with the nearer end") {
  const auto always = [](double, std::int64_t, std::int64_t n) { return n; };
  const auto never = [](double, std::int64_t, std::int64_t) { return std::int64_t{0}; };
  const HalfLoad above = half_load(always, {.low = 0.1, .high = 0.5});
  CHECK_FALSE(above.within);
  CHECK(above.load == 0.5);
  const HalfLoad below = half_load(never, {.low = 0.1, .high = 0.5});
  CHECK_FALSE(below.within);
  CHECK(below.load == 0.1);
  CHECK_THROWS_AS(half_load(always, {.low = 0}), base::UserError);
  CHECK_THROWS_AS(half_load(always, {.low = 0.5, .high = 0.5}), base::UserError);
  CHECK_THROWS_AS(half_load(always, {.width = 0}), base::UserError);
  CHECK_THROWS_AS(half_load(always, {.batch = 20, .most = 10}), base::UserError);
}

TEST_CASE("the limit of infinite size is that of the fit") {
  const std::vector<double> sizes = {100, 400, 1600};
  std::vector<double> values;
  for (const double n : sizes) values.push_back(0.138 + 0.3 / std::sqrt(n));
  const Extrapolation exact = extrapolate(sizes, values, {0.01, 0.01, 0.01}, 0.5);
  CHECK(exact.limit == doctest::Approx(0.138).epsilon(1e-12));
  CHECK(exact.slope == doctest::Approx(0.3).epsilon(1e-12));
  // Two points x = 1/10 and 1/40 with σ: a = (x₁y₂ − x₂y₁)/(x₁ − x₂).
  const Extrapolation two = extrapolate({100, 1600}, {values[0], values[2]}, {0.02, 0.01}, 0.5);
  CHECK(two.limit == doctest::Approx(0.138).epsilon(1e-12));
  CHECK(two.error == doctest::Approx(std::hypot(0.1 * 0.01, 0.025 * 0.02) / 0.075));
  // A value with a large error hardly counts.
  values[0] += 1;
  CHECK(extrapolate(sizes, values, {100, 0.01, 0.01}, 0.5).limit == doctest::Approx(0.138).epsilon(1e-3));
  CHECK_THROWS_AS(extrapolate({100, 100}, {1, 1}, {1, 1}, 1), base::UserError);
  CHECK_THROWS_AS(extrapolate({100, 200}, {1, 1}, {1, 0}, 1), base::UserError);
  CHECK_THROWS_AS(extrapolate({100, 200}, {1, 1}, {1, 1}, 0), base::UserError);
}
