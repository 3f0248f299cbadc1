#pragma once
// How far runs that train side by side have come.

#include <cmath>
#include <cstdint>
#include <limits>

#include "ecphory/base/host_device.hpp"
#include "ecphory/compute/view.hpp"

namespace ecphory::training {

/// A run's losses since they were last read.
struct Progress {
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

  double loss_sum = 0;
  std::uint64_t loss_count = 0;
  std::uint64_t bad_step = kNone;  ///< the first whose loss was not finite
  double bad_loss = 0;

  ECPHORY_HOST_DEVICE void count(double loss, std::uint64_t step) {
    if (!std::isfinite(loss) && bad_step == kNone) {
      bad_step = step;
      bad_loss = loss;
    }
    loss_sum += loss;
    ++loss_count;
  }
};

/// Counts the losses of a step of each run, and moves to the next: step(r) ← step(r) + 1. All are (1, runs),
/// on one device; on a GPU this only starts the work.
void count_step(compute::View<const double> losses, compute::View<std::uint64_t> step,
                compute::View<Progress> progress);

}  // namespace ecphory::training
