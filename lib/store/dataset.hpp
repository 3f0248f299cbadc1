#pragma once
// Labelled arrays: numbers that know their dimensions, coordinates and units. Plain data, no HDF5.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ecphory/store/spool.hpp"

namespace ecphory::store {

/// Columns of a spool as an array on disk, (series, rows, columns), or (series, rows) of a single column. The
/// labelled array that has it says how many of each; those that the spool lacks are NaN.
struct Spooled {
  std::shared_ptr<const Spool> spool;  ///< nullptr: nothing but NaN
  std::size_t first_column = 0;
  std::size_t columns = 0;  ///< 0: one column, which is no dimension

  std::size_t rank() const { return columns == 0 ? 2 : 3; }
  std::size_t width() const { return columns == 0 ? 1 : columns; }
  bool operator==(const Spooled&) const = default;
};

/// The elements start[i] … start[i] + count[i] − 1 of every dimension i of an array.
struct Box {
  std::vector<std::size_t> start;
  std::vector<std::size_t> count;

  std::size_t elements() const;
};

/// Numbers of an array that are fetched box by box while it is written, for what is larger than memory.
template <class T>
struct Streamed {
  /// Fills `to`, row-major, with the elements of a box. An error ends the writing.
  std::function<void(const Box& box, std::span<T> to)> read;
  bool operator==(const Streamed&) const { return false; }
};

/// Numbers that stay in another file: boxes of one of its arrays, in ascending order, and where they lie in
/// this.
struct Source {
  std::string file;  ///< as it is called from the folder of the file that maps it
  std::string array;
  std::vector<std::size_t> shape;  ///< of that array
  std::vector<Box> from;
  std::vector<Box> to;
};

/// Numbers that stay in other files (an HDF5 virtual dataset). What no source has is NaN, or 0.
template <class T>
struct Mapped {
  std::vector<Source> sources;
  bool operator==(const Mapped&) const { return false; }
};

/// The element types a file can hold. Booleans are uint8. Spooled arrays lie one after the other: the leading
/// dimensions count them.
using Values = std::variant<std::vector<double>, std::vector<float>, std::vector<std::int64_t>,
                            std::vector<std::uint8_t>, std::vector<std::string>, std::vector<Spooled>,
                            Streamed<double>, Streamed<float>, Streamed<std::int64_t>, Streamed<std::uint8_t>,
                            Mapped<double>, Mapped<float>, Mapped<std::int64_t>, Mapped<std::uint8_t>>;

/// Elements in memory: numbers, strings, or spooled arrays; 0 of a streamed or mapped array.
std::size_t size_of(const Values& values);

/// Whether the elements are elsewhere until, or even after, the array is written: streamed or mapped.
bool is_elsewhere(const Values& values);

/// A scalar, or a one-dimensional list of numbers.
using Attribute = std::variant<std::string, double, std::int64_t, std::vector<double>,
                               std::vector<std::int64_t>, std::vector<std::uint8_t>>;
using Attributes = std::vector<std::pair<std::string, Attribute>>;

/// An array with names for its axes. Row-major: the last dimension runs fastest. No dimensions: a scalar.
/// A one-dimensional array named like its dimension is the coordinate of that dimension.
struct LabelledArray {
  std::string name;
  std::vector<std::string> dimensions;
  std::vector<std::size_t> shape;  ///< one extent per dimension
  Values values;
  std::string units = "1";  ///< "ms", "s", "1"
  std::string long_name = {};
  Attributes attributes = {};  ///< besides units and long_name

  bool is_coordinate() const { return dimensions.size() == 1 && dimensions.front() == name; }
};

/// A coordinate: a one-dimensional array named like its dimension.
LabelledArray coordinate(std::string name, Values values, std::string units, std::string long_name);

/// A number without dimensions.
LabelledArray scalar(std::string name, double value, std::string units, std::string long_name);

/// Labelled arrays that share their dimensions, and attributes of the whole.
struct Dataset {
  std::vector<LabelledArray> arrays = {};
  Attributes attributes = {};

  const LabelledArray* find(std::string_view name) const;

  /// The array of that name; Bug when there is none.
  const LabelledArray& at(std::string_view name) const;
};

/// Throws Bug unless every array has as many values as its shape says, names are unique and non-empty, a
/// dimension has the same extent everywhere and no array has a dimension twice (a square matrix names them
/// `neuron` and `neuron_pre`).
void ensure_consistent(const Dataset& dataset);

}  // namespace ecphory::store
