#pragma once
// What this library was built from and with.

#include <string>

namespace ecphory::base {

struct BuildInfo {
  std::string version;   ///< "0.1.0"
  std::string commit;    ///< git hash, or "unknown" outside a checkout
  bool dirty;            ///< whether tracked files differed from the commit
  std::string compiler;  ///< name, version and target architecture
};

const BuildInfo& build_info();

}  // namespace ecphory::base
