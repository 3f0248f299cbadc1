#include "ecphory/base/finite.hpp"

#include <limits>
#include <vector>

#include <doctest/doctest.h>

using ecphory::base::first_not_finite;

TEST_CASE_TEMPLATE("the first NaN or infinity is found wherever it stands", Real, float, double) {
  using Limits = std::numeric_limits<Real>;
  for (const Real bad : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
    for (const std::size_t at : {0U, 1U, 1023U, 1024U, 2500U, 2999U}) {
      std::vector<Real> values(3000, Limits::max());
      CHECK_FALSE(first_not_finite(std::span<const Real>(values)).has_value());
      values[at] = bad;
      values.back() = bad;
      CHECK(first_not_finite(std::span<const Real>(values)) == at);
    }
  }
  CHECK_FALSE(first_not_finite(std::span<const Real>()).has_value());
}
