#pragma once
// How much a memory holds: the load at which half of the retrievals fail, and where it goes for infinite
// size.

#include <cstdint>
#include <functional>
#include <vector>

#include "ecphory/base/wilson.hpp"

namespace ecphory::landscape {

/// Successful ones of the retrievals number first … first+n−1 at a load. Called in a fixed order, with
/// numbers that never repeat at one load.
using RetrievalTrials = std::function<std::int64_t(double load, std::int64_t first, std::int64_t n)>;

struct HalfLoadOptions {
  double low = 0.01;        ///< a load at which more than half succeed
  double high = 1;          ///< one at which less than half do
  double width = 0.01;      ///< the bracket is halved until it is narrower than this share of the load
  std::int64_t batch = 20;  ///< retrievals at a time
  std::int64_t most = 400;  ///< at one load
};

struct LoadPoint {
  double load;
  base::Proportion retrieved;  ///< with its 95% Wilson interval
  std::int64_t trials;
};

struct HalfLoad {
  double load;         ///< the estimate
  double low;          ///< the largest load seen at which more than half succeed, by the whole interval
  double high;         ///< the smallest at which less than half do
  bool within = true;  ///< false: half is not crossed between the two ends; load is the end that is nearer
  std::vector<LoadPoint> points;  ///< in the order in which they were looked at
};

/// Bisects the load, log-evenly, for where the share of successes falls to 1/2. At each load trials go on
/// until the 95% Wilson interval leaves 1/2, or `most` are done: such a load is taken for the transition
/// itself, and low and high are the nearest loads that were decided. Throws UserError for options out of
/// range.
HalfLoad half_load(const RetrievalTrials& trials, const HalfLoadOptions& options);

struct Extrapolation {
  double limit;  ///< a
  double slope;  ///< c
  double error;  ///< standard error of a
};

/// a of y = a + c N^−exponent, fitted by least squares with weights 1/σ² to values y ± σ at sizes N. With two
/// sizes the fit is exact; the error is propagated from σ. Throws UserError for fewer than two different
/// sizes, σ ≤ 0 or an exponent ≤ 0.
Extrapolation extrapolate(const std::vector<double>& sizes, const std::vector<double>& values,
                          const std::vector<double>& sigmas, double exponent);

}  // namespace ecphory::landscape
