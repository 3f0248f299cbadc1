#pragma once
// Files as strings of bytes.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace ecphory::tests {

inline std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void put(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace ecphory::tests
