#include "ecphory/store/scratch.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "ecphory/base/error.hpp"

namespace ecphory::store {
namespace {

[[noreturn]] void fail(const std::filesystem::path& folder, const std::string& doing, int error) {
  throw base::UserError(
      {.key = folder.string(),
       .problem = fmt::format("{} failed: {}", doing, std::strerror(error)),
       .remedy = "make room, record less, or choose another place with --output: what a run records lies in "
                 "the folder of its result until that is written"});
}

/// A file that no one else can open: without a name, or with one that is taken away at once.
int open_nameless(const std::filesystem::path& folder) {
  const int descriptor = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0) return descriptor;
  std::string name = (folder / ".ecphory-record-XXXXXX").string();
  const int named = mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) unlink(name.c_str());
  return named;
}

/// Moves all of `bytes` from or to `place` by `move`, pread or pwrite; 0, or the error.
template <class Byte, class Move>
int move_all(const Move& move, int descriptor, std::span<Byte> bytes, std::size_t place, int on_end) {
  while (!bytes.empty()) {
    const ssize_t moved = move(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(place));
    if (moved < 0 && errno == EINTR) continue;
    if (moved <= 0) return moved < 0 ? errno : on_end;
    bytes = bytes.subspan(static_cast<std::size_t>(moved));
    place += static_cast<std::size_t>(moved);
  }
  return 0;
}

}  // namespace

Scratch::~Scratch() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::size_t Scratch::take(std::size_t count) {
  const std::lock_guard lock(taking_);
  if (descriptor_ < 0) descriptor_ = open_nameless(folder_);
  if (descriptor_ < 0) fail(folder_, "making a file for what is recorded", errno);
  return std::exchange(taken_, taken_ + count);
}

void Scratch::write(std::size_t place, std::span<const double> numbers) {
  const int error = move_all(pwrite, descriptor_, std::as_bytes(numbers), place * sizeof(double), ENOSPC);
  if (error != 0) fail(folder_, "recording to disk", error);
}

void Scratch::read(std::size_t place, std::span<double> numbers) const {
  const int error =
      move_all(pread, descriptor_, std::as_writable_bytes(numbers), place * sizeof(double), EIO);
  if (error != 0) fail(folder_, "reading back what was recorded", error);
}

}  // namespace ecphory::store
