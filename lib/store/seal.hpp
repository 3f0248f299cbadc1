#pragma once
// A checksum of a whole HDF5 file, in the block that HDF5 leaves to its users.

#include <cstddef>
#include <filesystem>
#include <string>

namespace ecphory::store {

/// Bytes of the block in front of the HDF5 data (H5Pset_userblock).
inline constexpr std::size_t kSealBytes = 512;

/// Writes the size and the XXH3 checksum (64 bits) of everything behind the first kSealBytes bytes of the
/// file `path` into them. Throws UserError when the disk does not do it.
void seal(const std::filesystem::path& path);

/// The text of a file's seal, which tells its content from any other; empty when it has none.
std::string seal_of(const std::filesystem::path& path);

/// What is wrong with a sealed file, in words: it is shorter than it was, or a byte has changed. Empty when
/// nothing is. Reads the whole file.
std::string damage_of(const std::filesystem::path& path);

/// The same without reading behind the seal: tells a file that was cut short.
std::string apparent_damage_of(const std::filesystem::path& path);

}  // namespace ecphory::store
