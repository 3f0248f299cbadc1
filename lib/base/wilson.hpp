#pragma once
// Confidence intervals of proportions.

#include <cstdint>

namespace ecphory::base {

/// A proportion with its 95% interval.
struct Proportion {
  double value;  ///< successes / trials
  double low;
  double high;
};

/// The Wilson (1927, JASA 22:209) score interval at 95%: never leaves [0, 1], and has a width at 0 and 1.
/// Throws Bug unless 0 ≤ successes ≤ trials and trials > 0.
Proportion wilson_interval(std::int64_t successes, std::int64_t trials);

}  // namespace ecphory::base
