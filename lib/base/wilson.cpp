#include "ecphory/base/wilson.hpp"

#include <algorithm>
#include <cmath>

#include "ecphory/base/error.hpp"

namespace ecphory::base {

Proportion wilson_interval(std::int64_t successes, std::int64_t trials) {
  ensure(trials > 0 && successes >= 0 && successes <= trials, "a proportion needs 0 <= successes <= trials");
  constexpr double kZ = 1.959963984540054;  // the normal quantile of 0.975
  const auto n = static_cast<double>(trials);
  const double p = static_cast<double>(successes) / n;
  const double centre = (p + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
  const double half_width = kZ / (1 + kZ * kZ / n) * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  return {p, std::clamp(centre - half_width, 0.0, p), std::clamp(centre + half_width, p, 1.0)};
}

}  // namespace ecphory::base
