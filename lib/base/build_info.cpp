#include "ecphory/base/build_info.hpp"

#include "ecphory_commit.h"

namespace ecphory::base {

const BuildInfo& build_info() {
  static const BuildInfo info{
      .version = ECPHORY_VERSION,
      .commit = ECPHORY_COMMIT,
      .dirty = ECPHORY_DIRTY,
      .compiler = ECPHORY_COMPILER,
  };
  return info;
}

}  // namespace ecphory::base
