#include <map>

#include "ecphory/compute/cuda_check.cuh"
#include "ecphory/compute/cuda_context.cuh"
#include "ecphory/compute/cuda_memory.hpp"

namespace ecphory::compute::cuda {

Context& Context::of(Device device) {
  use(device.index);
  thread_local std::map<int, Context> contexts;
  return contexts.try_emplace(device.index, device.index).first->second;
}

Context::Context(int device) : device_(device), scratch_(allocate(device, kScratch)) {
  try {
    check(cublasCreate(&blas_), "starting cuBLAS");
    check(cublasSetStream(blas_, stream()), "giving cuBLAS its stream");
    check(cublasSetWorkspace(blas_, scratch_, kScratch), "giving cuBLAS its memory");
  } catch (...) {
    discard();
    throw;
  }
}

Context::~Context() { discard(); }

void Context::discard() noexcept {
  if (blas_ != nullptr) cublasDestroy(blas_);
  release(device_, scratch_);
}

}  // namespace ecphory::compute::cuda
