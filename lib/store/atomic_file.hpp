#pragma once
// A file that appears whole or not at all.

#include <filesystem>

namespace ecphory::store {

/// What to do when the final name is taken.
enum class Existing { refuse, replace };

/// A name beside `path` to write to, which becomes `path` on commit():
/// path.part-<host>-<pid>-<n> → fsync → rename → fsync of the folder. Without commit() the part is removed;
/// parts that killed processes of this machine left for the same path are removed too.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::filesystem::path& part() const { return part_; }

  /// The part, closed by its writer, takes its final name. Throws UserError when that fails, or when the name
  /// is taken and `existing` refuses; then nothing has changed.
  void commit(Existing existing);

 private:
  std::filesystem::path path_;
  std::filesystem::path part_;
};

/// Removes the parts that killed processes of this machine have left in `folder`.
void remove_parts_of_the_dead(const std::filesystem::path& folder);

/// Makes a folder, so that it is there after a crash; nothing if it is there. Its parent must exist. Throws
/// UserError.
void make_folder(const std::filesystem::path& folder);

/// Throws UserError unless a file of about `bytes` can be written as `path`: its folder exists, is writable
/// and has that much room, and the name is free or may be replaced.
void check_writable(const std::filesystem::path& path, std::size_t bytes, Existing existing);

}  // namespace ecphory::store
