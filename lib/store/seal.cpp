#include "ecphory/store/seal.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "ecphory/base/error.hpp"

namespace ecphory::store {
namespace {

using Seal = std::array<char, kSealBytes>;

/// An open file.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags) : id_(open(path.c_str(), flags | O_CLOEXEC)) {
    if (id_ < 0) fail(path, "opening it", errno);
  }
  ~Descriptor() { close(id_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  operator int() const { return id_; }  // NOLINT(google-explicit-constructor): it stands for the number

  [[noreturn]] static void fail(const std::filesystem::path& path, const std::string& doing, int error) {
    throw base::UserError(
        {.key = path.string(), .problem = fmt::format("{} failed: {}", doing, std::strerror(error))});
  }

  std::size_t size() const {
    struct stat info = {};
    return fstat(id_, &info) == 0 ? static_cast<std::size_t>(info.st_size) : 0;
  }

 private:
  int id_;
};

Seal make_seal(std::size_t size, std::uint64_t checksum) {
  Seal seal{};
  const std::string text = fmt::format("Ecphory: {} bytes of HDF5 follow, XXH3 {:016x}\n", size, checksum);
  std::copy(text.begin(), text.end(), seal.begin());
  return seal;
}

/// XXH3 of everything behind the seal; nothing when the file is too short or cannot be read.
std::optional<std::uint64_t> checksum_of(const Descriptor& file) {
  const std::size_t size = file.size();
  if (size < kSealBytes) return std::nullopt;
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                              XXH3_freeState);
  XXH3_64bits_reset(state.get());
  std::vector<char> bytes(std::size_t{1} << 20);
  for (std::size_t place = kSealBytes; place < size;) {
    const ssize_t got = pread(file, bytes.data(), bytes.size(), static_cast<off_t>(place));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    XXH3_64bits_update(state.get(), bytes.data(), static_cast<std::size_t>(got));
    place += static_cast<std::size_t>(got);
  }
  return XXH3_64bits_digest(state.get());
}

/// What stands in front of the file; zeros when there is nothing.
Seal read_seal(const Descriptor& file) {
  Seal seal{};
  const ssize_t got = pread(file, seal.data(), seal.size(), 0);
  return got == static_cast<ssize_t>(seal.size()) ? seal : Seal{};
}

std::string damage_of(const Descriptor& file, std::optional<std::uint64_t> checksum) {
  const Seal seal = read_seal(file);
  std::size_t size = 0;
  unsigned long long sealed_checksum = 0;
  const std::string text(seal.data(), strnlen(seal.data(), seal.size()));
  if (std::sscanf(text.c_str(), "Ecphory: %zu bytes of HDF5 follow, XXH3 %16llx", &size, &sealed_checksum) !=
      2)
    return "its checksum is missing";
  if (file.size() != size + kSealBytes)
    return fmt::format("it has {} bytes instead of {}", file.size(), size + kSealBytes);
  if (seal != make_seal(size, checksum.value_or(sealed_checksum))) return "its checksum does not fit";
  return "";
}

}  // namespace

void seal(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDWR);
  const std::optional<std::uint64_t> checksum = checksum_of(file);
  if (!checksum) Descriptor::fail(path, "reading it back", errno);
  const Seal seal = make_seal(file.size() - kSealBytes, *checksum);
  if (pwrite(file, seal.data(), seal.size(), 0) != static_cast<ssize_t>(seal.size()))
    Descriptor::fail(path, "sealing it", errno);
}

std::string seal_of(const std::filesystem::path& path) {
  const Seal seal = read_seal(Descriptor(path, O_RDONLY));
  const std::string text(seal.data(), strnlen(seal.data(), seal.size()));
  return text.starts_with("Ecphory: ") ? text : "";
}

std::string damage_of(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY);
  const std::optional<std::uint64_t> checksum = checksum_of(file);
  return checksum ? damage_of(file, checksum) : "it is cut short, or cannot be read";
}

std::string apparent_damage_of(const std::filesystem::path& path) {
  return damage_of(Descriptor(path, O_RDONLY), std::nullopt);
}

}  // namespace ecphory::store
