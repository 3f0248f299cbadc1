#include "ecphory/store/spool.hpp"

#include <algorithm>
#include <limits>

#include "ecphory/base/error.hpp"

namespace ecphory::store {

constexpr std::size_t kTileNumbers = (1 << 20) / sizeof(double);

Spool::Spool(std::shared_ptr<Scratch> scratch, std::size_t series, std::size_t columns)
    : scratch_(std::move(scratch)),
      columns_(columns),
      rows_of_tile_(std::max<std::size_t>(kTileNumbers / std::max<std::size_t>(columns, 1), 1)),
      series_(series) {
  base::ensure(columns > 0, "a row has numbers");
}

std::size_t Spool::longest() const {
  std::size_t rows = 0;
  for (const Series& one : series_) rows = std::max(rows, one.length);
  return rows;
}

void Spool::append(std::size_t series, std::span<const double> row) {
  base::ensure(row.size() == columns_, "a row has as many numbers as the spool has columns");
  Series& to = series_[series];
  const std::size_t within = to.length % rows_of_tile_;
  if (to.tiles.size() == to.length / rows_of_tile_)
    to.tiles.push_back(scratch_->take(rows_of_tile_ * columns_));
  scratch_->write(to.tiles.back() + within * columns_, row);
  ++to.length;
}

void Spool::read(std::size_t series, std::size_t first, std::span<double> rows) const {
  base::ensure(rows.size() % columns_ == 0, "whole rows are read");
  const Series& from = series_[series];
  const std::size_t last = std::clamp(first + rows.size() / columns_, first, std::max(first, from.length));
  for (std::size_t row = first; row < last;) {
    const std::size_t within = row % rows_of_tile_;
    const std::size_t count = std::min(last - row, rows_of_tile_ - within);
    scratch_->read(from.tiles[row / rows_of_tile_] + within * columns_, rows.first(count * columns_));
    rows = rows.subspan(count * columns_);
    row += count;
  }
  std::ranges::fill(rows, std::numeric_limits<double>::quiet_NaN());
}

}  // namespace ecphory::store
