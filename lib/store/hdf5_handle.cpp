#include "ecphory/store/hdf5_handle.hpp"

#include "ecphory/base/error.hpp"

namespace ecphory::store::hdf5 {
namespace {

herr_t keep_innermost(unsigned depth, const H5E_error2_t* error, void* text) {
  if (depth == 0 && error->desc != nullptr) *static_cast<std::string*>(text) = error->desc;
  return 0;
}

/// The operating system's own words, where HDF5 quotes them in a list of offsets and sizes.
std::string without_details(const std::string& reason) {
  const std::string before = "error message = '";
  const std::size_t begin = reason.find(before);
  if (begin == std::string::npos) return reason;
  const std::size_t quoted = begin + before.size();
  return reason.substr(quoted, reason.find('\'', quoted) - quoted);
}

}  // namespace

void start() {
  static const herr_t started = H5dont_atexit();  // fails, harmlessly, when someone else has started HDF5
  static_cast<void>(started);
}

std::recursive_mutex& Turn::mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

hid_t check(hid_t status, const std::string& doing) {
  if (status >= 0) return status;
  std::string reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &reason);
  throw base::UserError(
      {.problem = doing + " failed" + (reason.empty() ? "" : ": " + without_details(reason)),
       .remedy = "check that the file is a readable HDF5 file and that the disk has room"});
}

Handle string_type() {
  Handle type(check(H5Tcopy(H5T_C_S1), "making a string type"), H5Tclose);
  check(H5Tset_size(type, H5T_VARIABLE), "making a string type");
  check(H5Tset_cset(type, H5T_CSET_UTF8), "making a string type");
  return type;
}

}  // namespace ecphory::store::hdf5
