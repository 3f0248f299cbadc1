#pragma once
// Patterns to store, from files: images, recordings, anything that is an array of items.

#include <Eigen/Core>
#include <filesystem>
#include <string>
#include <vector>

namespace ecphory::tasks {

struct FilePatterns {
  Eigen::MatrixXd patterns;        ///< (elements, items): one item a column, as it runs in the file
  std::vector<std::size_t> shape;  ///< of one item, such as 28 × 28
};

/// Reads the first `items` items of an array whose first dimension counts them:
///     IDX, gzip-ed or not (the format of MNIST): whole numbers and reals of any width
///     NPY: little-endian reals and whole numbers, in C order
///     HDF5: "file.h5:variable"
/// The format is known by the file's first bytes. Throws UserError when the file is missing, empty,
/// truncated, of another format or type, holds fewer items, or when an item is not finite or all zero.
FilePatterns read_patterns(const std::string& file, std::size_t items);

}  // namespace ecphory::tasks
