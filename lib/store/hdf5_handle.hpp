#pragma once
// HDF5 identifiers that close themselves, and HDF5 failures as exceptions. Inside lib/store only.

#include <cstdint>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>

#include <hdf5.h>

namespace ecphory::store::hdf5 {

/// Owns one HDF5 identifier.
class Handle {
 public:
  using Closer = herr_t (*)(hid_t);
  Handle(hid_t id, Closer closer) : id_(id), closer_(closer) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), closer_(other.closer_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(closer_, other.closer_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) closer_(id_);
  }

  // NOLINTNEXTLINE(google-explicit-constructor): it stands for the identifier in every HDF5 call
  operator hid_t() const { return id_; }

  /// Closes it now. Returns false when HDF5 could not: unwritten data may be lost.
  bool close() { return closer_(std::exchange(id_, H5I_INVALID_HID)) >= 0; }

 private:
  hid_t id_;
  Closer closer_;
};

/// Comes before the first call of HDF5. Takes its exit handler away: after a write that the disk refused,
/// HDF5 1.10 holds a file that it cannot close, and its handler crashes on it. Handles close what they own,
/// so there is nothing else for it to do.
void start();

/// Throws UserError, with what HDF5 says was the matter, unless `status` (an id, or a herr_t) is
/// non-negative.
hid_t check(hid_t status, const std::string& doing);

/// While it lives, this thread alone uses HDF5, which is not thread-safe, and HDF5 prints nothing by itself.
/// Stands in everything that calls HDF5; one inside another does no harm.
class Turn {
 public:
  Turn() : lock_(mutex()) {
    start();
    H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~Turn() { H5Eset_auto2(H5E_DEFAULT, print_, data_); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  static std::recursive_mutex& mutex();

  std::lock_guard<std::recursive_mutex> lock_;
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

/// The type of a number in memory.
template <class T>
hid_t memory_type() {
  if constexpr (std::is_same_v<T, double>) return H5T_NATIVE_DOUBLE;
  if constexpr (std::is_same_v<T, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<T, std::int64_t>) return H5T_NATIVE_INT64;
  if constexpr (std::is_same_v<T, std::uint8_t>) return H5T_NATIVE_UINT8;
}

/// A variable-length UTF-8 string type.
Handle string_type();

}  // namespace ecphory::store::hdf5
