#include <fmt/format.h>

#include "ecphory/base/build_info.hpp"
#include "ecphory/compute/blas.hpp"
#include "ecphory/compute/device.hpp"
#include "ecphory/store/hdf5_write.hpp"

#include "verbs.hpp"

namespace ecphory::app {

std::string version_text() {
  const base::BuildInfo& build = base::build_info();
  return fmt::format("ecphory {}\ncommit   {}{}\ncompiler {}\nCUDA     {}\nHDF5     {}\nBLAS     {}",
                     build.version, build.commit, build.dirty ? " (with changes)" : "", build.compiler,
                     compute::cuda_version(), store::hdf5_version(), compute::blas_name());
}

}  // namespace ecphory::app
