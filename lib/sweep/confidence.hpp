#pragma once
// When replicates are enough.

#include <cstddef>
#include <optional>
#include <vector>

#include "ecphory/sweep/plan.hpp"

namespace ecphory::sweep {

/// The whole width of the 95% confidence interval of a mean: 2 t(0.975; n − 1) s / √n with Student's t
/// (Student 1908, Biometrika 6:1). Infinite for fewer than two values.
double width_of_mean(const std::vector<double>& values);

/// The replicates that a point needs by the rule, given what its first replicates gave: the smallest n ≥
/// least whose values have a narrow enough interval. Nothing when those are not enough yet. A replicate that
/// failed counts in n and has no value.
std::optional<std::size_t> replicates_needed(const StopRule& rule,
                                             const std::vector<std::optional<double>>& replicates);

}  // namespace ecphory::sweep
