#pragma once
// Rows of numbers on disk, for results that are larger than memory.

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace ecphory::store {

/// Several series of rows of doubles in a file without a name, which is gone with the object, or with the
/// process. Each series grows on its own; memory holds none of it. The rows of a series lie together in tiles
/// of about 1 MB, as they will in the chunks of an HDF5 file.
class Spool {
 public:
  /// Keeps its file in `folder`. Throws UserError when no file can be made there.
  Spool(const std::filesystem::path& folder, std::size_t series, std::size_t columns);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  std::size_t series() const { return lengths_.size(); }
  std::size_t columns() const { return columns_; }
  std::size_t rows_of_tile() const { return tile_; }

  /// Rows of one series, and of the longest.
  std::size_t length(std::size_t series) const { return lengths_[series]; }
  std::size_t longest() const;

  /// Adds a row to a series. Different series may grow on different threads. Throws UserError when the disk
  /// does not take it.
  void append(std::size_t series, std::span<const double> row);

  /// rows ← rows first, first + 1 … of a series, as many as fit; those that the series does not have are NaN.
  void read(std::size_t series, std::size_t first, std::span<double> rows) const;

 private:
  std::size_t offset(std::size_t series, std::size_t row) const;

  std::filesystem::path folder_;
  std::size_t columns_;
  std::size_t tile_;  ///< rows of a tile
  std::vector<std::size_t> lengths_;
  int descriptor_ = -1;
};

}  // namespace ecphory::store
