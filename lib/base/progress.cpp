#include "ecphory/base/progress.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

namespace ecphory::base {

Progress::Progress(std::string what, std::size_t total, std::FILE* to)
    : what_(std::move(what)),
      total_(total),
      to_(to),
      terminal_(isatty(fileno(to)) == 1),
      start_(Clock::now()),
      shown_(start_) {}

Progress::~Progress() {
  if (terminal_ && done_ > 0) fmt::print(to_, "\r\033[K");
}

void Progress::update(std::size_t done, std::size_t failed) {
  done_ = done;
  failed_ = failed;
  using namespace std::chrono_literals;
  const Clock::time_point now = Clock::now();
  if (now - shown_ < (terminal_ ? Clock::duration(100ms) : Clock::duration(60s))) return;
  shown_ = now;
  fmt::print(to_, "{}{}{}", terminal_ ? "\r\033[K" : "", line(), terminal_ ? "" : "\n");
  std::fflush(to_);
}

std::string Progress::line() const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  std::string text = fmt::format("{}/{} {}", done_, total_, what_);
  if (done_ > 0) {
    const double rate = static_cast<double>(done_) / std::max(elapsed, 1e-9);
    const double left = static_cast<double>(total_ - done_) / rate;
    text += fmt::format(", {:.3g}/s, {:.0f} s left", rate, left);
  }
  if (failed_ > 0) text += fmt::format(", {} failed", failed_);
  if (!terminal_) return text;
  constexpr std::size_t kWidth = 24;
  const std::size_t filled = total_ == 0 ? kWidth : kWidth * done_ / total_;
  return fmt::format("[{:=<{}}{: <{}}] {}", "", filled, "", kWidth - filled, text);
}

}  // namespace ecphory::base
