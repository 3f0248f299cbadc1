#include <string>

#include <cuda_runtime.h>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/cuda_memory.hpp"
#include "ecphory/compute/device.hpp"

namespace ecphory::compute {
namespace {

void check(cudaError_t status, const std::string& doing) {
  if (status == cudaSuccess) return;
  cudaGetLastError();
  base::Complaint complaint;
  complaint.problem = doing + " failed: " + cudaGetErrorString(status);
  complaint.remedy = status == cudaErrorMemoryAllocation ? "lower the sizes or the batch"
                                                         : "check the GPU with nvidia-smi, or use the CPU";
  throw base::UserError(complaint);
}

}  // namespace

std::string cuda_version() {
  int version = 0;
  check(cudaRuntimeGetVersion(&version), "asking for the CUDA runtime's version");
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

int cuda_device_count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  cudaGetLastError();
  return 0;
}

namespace cuda {

void* allocate(int device, std::size_t bytes) {
  check(cudaSetDevice(device), "choosing GPU " + std::to_string(device));
  void* memory = nullptr;
  check(cudaMalloc(&memory, bytes),
        "taking " + std::to_string(bytes) + " bytes on GPU " + std::to_string(device));
  return memory;
}

void release(int device, void* memory) noexcept {
  if (cudaSetDevice(device) == cudaSuccess) cudaFree(memory);
}

void copy(void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "copying to or from a GPU");
  check(cudaDeviceSynchronize(), "waiting for a GPU");
}

}  // namespace cuda
}  // namespace ecphory::compute
