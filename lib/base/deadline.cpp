#include "ecphory/base/deadline.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ecphory::base {

Deadline::Deadline(double seconds)
    : moment_(Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                 std::chrono::duration<double>(std::min(seconds, 1e9)))),
      seconds_(seconds) {}

void Deadline::give_up() const {
  throw UserError({.problem = fmt::format("took longer than {} s", seconds_),
                   .remedy = "allow more with --point-timeout, or make the point cheaper"});
}

}  // namespace ecphory::base
