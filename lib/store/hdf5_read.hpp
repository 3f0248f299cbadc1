#pragma once
// HDF5 → labelled arrays.

#include <filesystem>
#include <limits>
#include <string>

#include "ecphory/store/dataset.hpp"

namespace ecphory::store {

/// Reads every variable, coordinate and attribute of one group of the file `path`, in the order in which they
/// were made. Whole numbers of any width become int64 (uint8 stays), reals keep their precision. Arrays of
/// more than `most_elements` elements have their shape and type, but no values. Throws UserError when the
/// file is missing, is not HDF5, or holds a type that no labelled array has.
Dataset read(const std::filesystem::path& path, const std::string& group = "/",
             std::size_t most_elements = std::numeric_limits<std::size_t>::max());

}  // namespace ecphory::store
