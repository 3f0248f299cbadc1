#pragma once
// The arrays of many runs as arrays with one dimension more.

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "ecphory/base/parameters.hpp"
#include "ecphory/store/dataset.hpp"

namespace ecphory::sweep {

/// `count` fill values of the type of `like`: NaN, 0 or empty strings.
store::Values filled(const store::Values& like, std::size_t count);

/// Values of one setting, of which there is at least one, as those of an array; booleans as uint8.
store::Values values_of(const std::vector<base::Value>& settings);

/// Copies a row-major array into the first elements along each dimension of a larger one. `from` and `to` are
/// iterators.
template <class From, class To>
void copy_padded(From from, const std::vector<std::size_t>& from_shape, To to,
                 const std::vector<std::size_t>& to_shape, std::size_t dimension = 0) {
  std::size_t from_stride = 1;
  std::size_t to_stride = 1;
  bool whole = true;
  for (std::size_t i = dimension + 1; i < from_shape.size(); ++i) {
    from_stride *= from_shape[i];
    to_stride *= to_shape[i];
    whole = whole && from_shape[i] == to_shape[i];
  }
  const std::size_t n = dimension < from_shape.size() ? from_shape[dimension] : 1;
  if (whole) {
    std::copy_n(from, n * from_stride, to);
    return;
  }
  for (std::size_t i = 0; i < n; ++i) {
    copy_padded(from + static_cast<std::ptrdiff_t>(i * from_stride), from_shape,
                to + static_cast<std::ptrdiff_t>(i * to_stride), to_shape, dimension + 1);
  }
}

/// A coordinate that runs do not share stands in results as a variable of this name.
inline std::string name_of_own_coordinate(const std::string& coordinate) { return coordinate + "_of_point"; }

/// Whether two coordinates are one: the shorter begins like the longer.
bool one_coordinate(const store::Values& a, const store::Values& b);

/// Arrays over (`dimension`, their own dimensions) of runs that give the same arrays; each takes the largest
/// extents, and what a run lacks is filled. A coordinate that all runs share stays one; another becomes a
/// variable. Throws Bug when runs do not give the same arrays.
std::vector<store::LabelledArray> assemble(const std::vector<const store::Dataset*>& runs,
                                           const std::string& dimension);

}  // namespace ecphory::sweep
