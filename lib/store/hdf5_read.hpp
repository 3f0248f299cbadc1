#pragma once
// HDF5 → labelled arrays.

#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <string>

#include "ecphory/store/dataset.hpp"

namespace ecphory::store {

/// A file of labelled arrays that is read in parts.
class Reader {
 public:
  /// Opens one group. Throws UserError when the file is missing, is not HDF5, or holds a type that no
  /// labelled array has.
  explicit Reader(const std::filesystem::path& path, const std::string& group = "/");
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Everything but the values: names, dimensions, shapes, types, attributes, in the order in which they were
  /// made. Whole numbers of any width become int64 (uint8 stays), reals keep their precision.
  const Dataset& layout() const;

  /// The values of one array.
  Values read(const std::string& name) const;

  /// Elements of one array, row-major, into `to`. T is the array's type, else Bug.
  template <class T>
  void read(const std::string& name, const Box& box, std::span<T> to) const;

 private:
  struct File;
  std::unique_ptr<File> file_;
};

/// Reads every variable, coordinate and attribute of one group of the file `path`. Arrays of more than
/// `most_elements` elements have their shape and type, but no values. Throws as Reader does.
Dataset read(const std::filesystem::path& path, const std::string& group = "/",
             std::size_t most_elements = std::numeric_limits<std::size_t>::max());

}  // namespace ecphory::store
