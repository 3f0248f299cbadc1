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

/// Whether a point needs no further replicate, given what its first ones gave: there are rule.least or more,
/// and their interval is narrow enough. A replicate that failed counts and has no value. Asked after each
/// replicate until it holds, so that the first n for which it does is the point's number.
bool enough(const StopRule& rule, const std::vector<std::optional<double>>& replicates);

}  // namespace ecphory::sweep
