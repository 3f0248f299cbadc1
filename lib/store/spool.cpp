#include "ecphory/store/spool.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "ecphory/base/error.hpp"

namespace ecphory::store {
namespace {

constexpr std::size_t kTileBytes = 1 << 20;

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

}  // namespace

Spool::Spool(const std::filesystem::path& folder, std::size_t series, std::size_t columns)
    : folder_(folder),
      columns_(columns),
      tile_(std::max<std::size_t>(kTileBytes / (sizeof(double) * std::max<std::size_t>(columns, 1)), 1)),
      lengths_(series, 0),
      descriptor_(open_nameless(folder)) {
  base::ensure(columns > 0, "a row has numbers");
  if (descriptor_ < 0) fail(folder_, "making a file for what is recorded", errno);
}

Spool::~Spool() { close(descriptor_); }

std::size_t Spool::longest() const { return lengths_.empty() ? 0 : *std::ranges::max_element(lengths_); }

std::size_t Spool::offset(std::size_t series, std::size_t row) const {
  const std::size_t tile = row / tile_ * lengths_.size() + series;
  return (tile * tile_ + row % tile_) * columns_ * sizeof(double);
}

void Spool::append(std::size_t series, std::span<const double> row) {
  base::ensure(row.size() == columns_, "a row has as many numbers as the spool has columns");
  const auto* data = reinterpret_cast<const char*>(row.data());
  std::size_t at = offset(series, lengths_[series]);
  for (std::size_t left = row.size_bytes(); left > 0;) {
    const ssize_t written = pwrite(descriptor_, data, left, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail(folder_, "recording to disk", written < 0 ? errno : ENOSPC);
    data += written;
    at += static_cast<std::size_t>(written);
    left -= static_cast<std::size_t>(written);
  }
  ++lengths_[series];
}

void Spool::read(std::size_t series, std::size_t first, std::span<double> rows) const {
  base::ensure(rows.size() % columns_ == 0, "whole rows are read");
  const std::size_t wanted = rows.size() / columns_;
  const std::size_t known = std::min(wanted, lengths_[series] - std::min(first, lengths_[series]));
  std::fill(rows.begin() + static_cast<std::ptrdiff_t>(known * columns_), rows.end(),
            std::numeric_limits<double>::quiet_NaN());
  for (std::size_t row = first; row < first + known;) {
    const std::size_t here = std::min(first + known - row, tile_ - row % tile_);
    auto* data = reinterpret_cast<char*>(rows.data() + (row - first) * columns_);
    std::size_t at = offset(series, row);
    for (std::size_t left = here * columns_ * sizeof(double); left > 0;) {
      const ssize_t got = pread(descriptor_, data, left, static_cast<off_t>(at));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) fail(folder_, "reading back what was recorded", got < 0 ? errno : EIO);
      data += got;
      at += static_cast<std::size_t>(got);
      left -= static_cast<std::size_t>(got);
    }
    row += here;
  }
}

}  // namespace ecphory::store
