#include "ecphory/compute/normal.hpp"

#include <limits>

#include <doctest/doctest.h>

using ecphory::compute::normal_at;

TEST_CASE_TEMPLATE(
    "distribution and density are exact to some units in the last place, out to the smallest numbers", Real,
    float, double) {
  const double end = std::sqrt(-2 * std::log(static_cast<double>(std::numeric_limits<Real>::min())));
  double worst_distribution = 0;
  double worst_density = 0;
  for (int i = -100000; i <= 100000; ++i) {
    const Real x = static_cast<Real>(end * i / 100001);
    const auto exact_x = static_cast<long double>(x);
    const long double distribution = std::erfc(-exact_x / std::sqrt(2.0L)) / 2;
    const long double density = std::exp(-exact_x * exact_x / 2) / std::sqrt(2 * std::acos(-1.0L));
    const auto normal = normal_at(x);
    const auto error = [](Real value, long double exact) {
      return static_cast<double>(std::abs(static_cast<long double>(value) - exact) / exact) /
             static_cast<double>(std::numeric_limits<Real>::epsilon());
    };
    if (distribution > static_cast<long double>(std::numeric_limits<Real>::min()))
      worst_distribution = std::max(worst_distribution, error(normal.distribution, distribution));
    worst_density = std::max(worst_density, error(normal.density, density));
  }
  // One unit of exp, and a rounding of each of some factors.
  CHECK(worst_distribution < 4);
  CHECK(worst_density < 2);
}

TEST_CASE_TEMPLATE("the ends: ½ at 0, 0 and 1 far out, NaN stays NaN", Real, float, double) {
  CHECK(normal_at(Real{0}).distribution ==
        doctest::Approx(0.5).epsilon(std::numeric_limits<Real>::epsilon()));
  CHECK(normal_at(Real{-1e3}).distribution == 0);
  CHECK(normal_at(Real{1e3}).distribution == 1);
  CHECK(normal_at(-std::numeric_limits<Real>::infinity()).distribution == 0);
  CHECK(normal_at(std::numeric_limits<Real>::max()).density == 0);
  CHECK(std::isnan(normal_at(std::numeric_limits<Real>::quiet_NaN()).distribution));
  CHECK(std::isnan(normal_at(std::numeric_limits<Real>::quiet_NaN()).density));
}
