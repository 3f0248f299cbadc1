#pragma once
// Rows of numbers on disk, for results that are larger than memory.

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "ecphory/store/scratch.hpp"

namespace ecphory::store {

/// Several series of rows of doubles. Each series grows on its own; memory holds none of it. The rows of a
/// series lie together in tiles of about 1 MB, as they will in the chunks of an HDF5 file.
class Spool {
 public:
  Spool(std::shared_ptr<Scratch> scratch, std::size_t series, std::size_t columns);

  std::size_t series() const { return series_.size(); }
  std::size_t columns() const { return columns_; }
  std::size_t rows_of_tile() const { return rows_of_tile_; }

  /// Rows of one series, and of the longest.
  std::size_t length(std::size_t series) const { return series_[series].length; }
  std::size_t longest() const;

  /// Adds a row to a series. Different series may grow on different threads. Throws UserError when the disk
  /// does not take it.
  void append(std::size_t series, std::span<const double> row);

  /// rows ← rows first, first + 1 … of a series, as many as fit; those that the series does not have are NaN.
  void read(std::size_t series, std::size_t first, std::span<double> rows) const;

 private:
  struct Series {
    std::size_t length = 0;
    std::vector<std::size_t> tiles = {};  ///< their places in the scratch file
  };

  std::shared_ptr<Scratch> scratch_;
  std::size_t columns_;
  std::size_t rows_of_tile_;
  std::vector<Series> series_;
};

}  // namespace ecphory::store
