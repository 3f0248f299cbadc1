#include "ecphory/store/atomic_file.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ecphory/base/error.hpp"
#include "ecphory/store/host.hpp"

namespace ecphory::store {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

[[noreturn]] void fail(const fs::path& path, const std::string& doing, int error) {
  throw base::UserError({.key = path.string(),
                         .problem = fmt::format("{} failed: {}", doing, std::strerror(error)),
                         .remedy = "choose another place with --output"});
}

[[noreturn]] void taken(const fs::path& path) {
  throw base::UserError({.key = path.string(),
                         .problem = "there is already a file of this name",
                         .remedy = "choose another name with --output, or overwrite it with --force"});
}

void sync(const fs::path& path, int flags) {
  const int descriptor = open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) fail(path, "opening it to flush it to disk", errno);
  const int status = fsync(descriptor);
  const int error = errno;
  close(descriptor);
  if (status != 0) fail(path, "flushing it to disk", error);
}

/// rename() that does not replace. Where the file system cannot (NFS), a second link does the same.
int rename_to_free_name(const fs::path& from, const fs::path& to) {
  if (syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  return link(from.c_str(), to.c_str()) == 0 ? 0 : errno;  // the part goes with its AtomicFile
}

/// Removes what is called NAME.part-<this host>-<a dead process>-… and whose name begins with `prefix`.
void remove_parts(const fs::path& folder, const std::string& prefix) {
  const std::string infix = fmt::format(".part-{}-", host_name());
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const std::size_t at = name.rfind(infix);
    if (!name.starts_with(prefix) || at == std::string::npos) continue;
    const pid_t writer = std::atoi(name.c_str() + at + infix.size());
    if (writer > 0 && kill(writer, 0) != 0 && errno == ESRCH) fs::remove(entry.path(), ignored);
  }
}

}  // namespace

void remove_parts_of_the_dead(const fs::path& folder) { remove_parts(folder, ""); }

void make_folder(const fs::path& folder) {
  std::error_code error;
  if (!fs::create_directory(folder, error) && error) {
    throw base::UserError({.key = folder.string(),
                           .problem = "making this folder failed: " + error.message(),
                           .remedy = "choose another place with --output"});
  }
  sync(folder_of(folder), O_RDONLY | O_DIRECTORY);
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  static std::atomic<unsigned> count{0};
  part_ = path_;
  part_ += fmt::format(".part-{}-{}-{}", host_name(), getpid(), count++);
  remove_parts(folder_of(path_), path_.filename().string() + ".part-");
}

AtomicFile::~AtomicFile() {
  std::error_code ignored;
  fs::remove(part_, ignored);
}

void AtomicFile::commit(Existing existing) {
  sync(part_, O_RDWR);
  if (existing == Existing::refuse) {
    const int error = rename_to_free_name(part_, path_);
    if (error == EEXIST) taken(path_);
    if (error != 0) fail(path_, "renaming the finished file", error);
  } else if (std::rename(part_.c_str(), path_.c_str()) != 0) {
    fail(path_, "renaming the finished file", errno);
  }
  sync(folder_of(path_), O_RDONLY | O_DIRECTORY);
}

void check_writable(const fs::path& path, std::size_t bytes, Existing existing) {
  const fs::path folder = folder_of(path);
  std::error_code error;
  const auto complain = [&](const std::string& problem, const std::string& remedy) {
    throw base::UserError({.key = path.string(), .problem = problem, .remedy = remedy});
  };
  if (path.filename().empty() || fs::is_directory(path, error)) {
    complain("this is a folder, not a file", "name a file inside it");
  }
  if (!fs::is_directory(folder, error)) {
    complain(fmt::format("the folder {} does not exist", folder.string()),
             fmt::format("mkdir -p {}", folder.string()));
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    complain(fmt::format("the folder {} cannot be written to: {}", folder.string(), std::strerror(errno)),
             "choose another folder with --output");
  }
  if (existing == Existing::refuse && fs::exists(fs::symlink_status(path, error))) taken(path);
  struct statvfs room = {};
  if (statvfs(folder.c_str(), &room) == 0) {
    const std::size_t available = static_cast<std::size_t>(room.f_bavail) * room.f_frsize;
    if (available < bytes) {
      complain(fmt::format("the disk has {} bytes left; the results need about {}", available, bytes),
               "make room, or choose another disk with --output");
    }
  }
}

}  // namespace ecphory::store
