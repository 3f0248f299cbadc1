#include "ecphory/base/wilson.hpp"

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

using namespace ecphory::base;

TEST_CASE("Wilson intervals solve (p - q)^2 = z^2 q (1 - q) / n") {
  // The score interval's ends q are by definition the roots of this equation; 1e-12 is rounding.
  constexpr double kZ = 1.959963984540054;
  for (const auto& [k, n] : {std::pair{1, 10}, {325, 1000}, {907, 1000}, {5, 6}}) {
    const Proportion p = wilson_interval(k, n);
    CHECK(p.value == static_cast<double>(k) / n);
    for (const double q : {p.low, p.high}) {
      CHECK((p.value - q) * (p.value - q) == doctest::Approx(kZ * kZ * q * (1 - q) / n).epsilon(1e-12));
    }
    CHECK(p.low < p.value);
    CHECK(p.value < p.high);
  }
}

TEST_CASE("at 0 and 1 the interval keeps a width and stays inside") {
  const Proportion none = wilson_interval(0, 1000);
  CHECK(none.low == 0);
  CHECK(none.high == doctest::Approx(0.003827).epsilon(1e-3));  // z²/(n + z²)
  const Proportion all = wilson_interval(1000, 1000);
  CHECK(all.high == 1);
  CHECK(all.low == doctest::Approx(1 - 0.003827).epsilon(1e-5));
  CHECK_THROWS_AS(wilson_interval(3, 2), Bug);
  CHECK_THROWS_AS(wilson_interval(0, 0), Bug);
}
