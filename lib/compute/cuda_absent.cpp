#include "ecphory/base/error.hpp"
#include "ecphory/compute/cuda_memory.hpp"
#include "ecphory/compute/device.hpp"

namespace ecphory::compute {
namespace {

[[noreturn]] void refuse() {
  throw base::UserError({.problem = "this build of Ecphory has no CUDA",
                         .remedy = "use the CPU, or configure with the preset `cuda`"});
}

}  // namespace

std::string cuda_version() { return "none"; }
int cuda_device_count() { return 0; }

namespace cuda {

void* allocate(int, std::size_t) { refuse(); }
void release(int, void*) noexcept {}
void copy(void*, const void*, std::size_t) { refuse(); }

}  // namespace cuda
}  // namespace ecphory::compute
