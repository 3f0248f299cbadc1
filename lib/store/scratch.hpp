#pragma once
// Room on disk for what is larger than memory, until it is written into a result.

#include <cstddef>
#include <filesystem>
#include <mutex>
#include <span>

namespace ecphory::store {

/// A file without a name, which is gone with the object or with the process. It is made when room is first
/// taken; all threads share it.
class Scratch {
 public:
  /// The file will lie in `folder`.
  explicit Scratch(std::filesystem::path folder) : folder_(std::move(folder)) {}
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// Where `count` doubles may be kept that nobody else has. Throws UserError when no file can be made.
  std::size_t take(std::size_t count);

  /// Throw UserError when the disk does not take them, or does not give them back.
  void write(std::size_t place, std::span<const double> numbers);
  void read(std::size_t place, std::span<double> numbers) const;

 private:
  std::filesystem::path folder_;
  std::mutex taking_;
  int descriptor_ = -1;
  std::size_t taken_ = 0;  ///< doubles
};

}  // namespace ecphory::store
