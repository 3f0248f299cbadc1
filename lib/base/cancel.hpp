#pragma once
// Cooperative cancellation: work looks at a token between points or steps and stops cleanly.

#include <atomic>

namespace ecphory::base {

/// Whether to stop, and which signal asked for it. Thread- and signal-safe.
class CancellationToken {
 public:
  void request(int signal) noexcept { signal_.store(signal, std::memory_order_relaxed); }
  bool requested() const noexcept { return signal() != 0; }
  int signal() const noexcept { return signal_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int> signal_{0};
  static_assert(std::atomic<int>::is_always_lock_free);
};

/// While it lives, SIGINT, SIGTERM and SIGUSR1 request cancellation of `token`; a second SIGINT ends the
/// process at once. One at a time in a process, else Bug.
class SignalWatch {
 public:
  explicit SignalWatch(CancellationToken& token);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
};

}  // namespace ecphory::base
