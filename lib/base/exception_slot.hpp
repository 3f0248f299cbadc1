#pragma once
// Exceptions across the end of a parallel region, which they may not cross by themselves.

#include <exception>
#include <mutex>
#include <utility>

namespace ecphory::base {

/// Holds the first exception thrown by any thread's work.
class ExceptionSlot {
 public:
  /// Calls `work` unless a thread has failed before. Never throws.
  template <class Work>
  void run(const Work& work) noexcept {
    if (failed()) return;
    try {
      work();
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      if (!first_) first_ = std::current_exception();
    }
  }

  bool failed() noexcept {
    const std::scoped_lock lock(mutex_);
    return first_ != nullptr;
  }

  /// Throws what was held, if anything; after the parallel region.
  void rethrow() {
    if (first_) std::rethrow_exception(std::exchange(first_, nullptr));
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
};

}  // namespace ecphory::base
