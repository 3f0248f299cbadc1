#include <string>

#include <cuda_runtime_api.h>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/cuda_check.cuh"
#include "ecphory/compute/cuda_memory.hpp"
#include "ecphory/compute/device.hpp"

namespace ecphory::compute {

std::string cuda_version() {
  int version = 0;
  cuda::check(cudaRuntimeGetVersion(&version), "asking for the CUDA runtime's version");
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

int cuda_device_count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  cudaGetLastError();
  return 0;
}

namespace cuda {

std::size_t free_memory(int device) {
  use(device);
  std::size_t free = 0;
  std::size_t total = 0;
  check(cudaMemGetInfo(&free, &total), "asking for a GPU's free memory");
  return free;
}

void* allocate(int device, std::size_t bytes) {
  use(device);
  void* memory = nullptr;
  const cudaError_t status = cudaMalloc(&memory, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    base::Complaint complaint;
    complaint.problem = "no memory for an array of " + std::to_string(bytes) + " bytes on GPU " +
                        std::to_string(device) + ", which has " + std::to_string(free_memory(device)) +
                        " free";
    complaint.remedy = "lower the sizes or the batch";
    throw base::UserError(complaint);
  }
  check(status, "taking memory on a GPU");
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
