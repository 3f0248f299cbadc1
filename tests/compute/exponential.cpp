#include "ecphory/compute/exponential.hpp"

#include <limits>

#include <doctest/doctest.h>

using ecphory::compute::exp_of_nonpositive;

TEST_CASE_TEMPLATE("it is exp to a unit in the last place wherever a result is a normal number", Real, float,
                   double) {
  const double smallest = std::log(static_cast<double>(std::numeric_limits<Real>::min()));
  double worst = 0;
  for (int i = 0; i <= 200000; ++i) {
    const Real x = static_cast<Real>(smallest * i / 200001);
    const long double exact = std::exp(static_cast<long double>(x));
    const long double error = std::abs(static_cast<long double>(exp_of_nonpositive(x)) - exact) / exact;
    worst = std::max(worst, static_cast<double>(error / std::numeric_limits<Real>::epsilon()));
  }
  CHECK(worst < 1.0);
}

TEST_CASE_TEMPLATE("the ends: 1 at 0, 0 below the normal numbers, NaN stays NaN", Real, float, double) {
  CHECK(exp_of_nonpositive(Real{0}) == 1);
  CHECK(exp_of_nonpositive(-std::numeric_limits<Real>::infinity()) == 0);
  CHECK(exp_of_nonpositive(Real{-1e4}) == 0);
  CHECK(std::isnan(exp_of_nonpositive(std::numeric_limits<Real>::quiet_NaN())));
}
