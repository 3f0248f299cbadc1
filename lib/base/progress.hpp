#pragma once
// Progress on stderr: a bar on a terminal, elsewhere a line a minute.

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>

namespace ecphory::base {

/// Counts finished parts of a whole. Not thread-safe: one thread reports.
class Progress {
 public:
  /// `what` names the parts ("points"); `to` is usually stderr.
  Progress(std::string what, std::size_t total, std::FILE* to);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Says that `done` parts are finished, `failed` of them with an error.
  void update(std::size_t done, std::size_t failed);

 private:
  using Clock = std::chrono::steady_clock;
  std::string line() const;

  std::string what_;
  std::size_t total_;
  std::FILE* to_;
  bool terminal_;
  Clock::time_point start_;
  Clock::time_point shown_;
  std::size_t done_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace ecphory::base
