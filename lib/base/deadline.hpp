#pragma once
// A time after which work gives up.

#include <chrono>
#include <optional>

#include "ecphory/base/error.hpp"

namespace ecphory::base {

/// Nothing, or a moment. Copies share it.
class Deadline {
 public:
  /// None.
  Deadline() = default;

  /// So many seconds from here.
  explicit Deadline(double seconds);

  /// Throws UserError, which says how much time there was, when it has passed.
  void check() const {
    if (moment_ && Clock::now() > *moment_) give_up();
  }

 private:
  using Clock = std::chrono::steady_clock;
  [[noreturn]] void give_up() const;

  std::optional<Clock::time_point> moment_ = {};
  double seconds_ = 0;
};

}  // namespace ecphory::base
