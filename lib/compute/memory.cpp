#include "ecphory/compute/memory.hpp"

#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/cuda_memory.hpp"

namespace ecphory::compute {
namespace {

constexpr std::size_t kAlignment = 64;

}  // namespace

std::string to_string(Device device) {
  return device.kind == Device::Kind::cpu ? "cpu" : fmt::format("cuda:{}", device.index);
}

void* allocate(Device device, std::size_t bytes) {
  if (bytes == 0) return nullptr;
  if (device.kind == Device::Kind::cuda) return cuda::allocate(device.index, bytes);
  void* const memory = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  if (memory == nullptr) {
    throw base::UserError({.problem = fmt::format("no memory for an array of {} bytes", bytes),
                           .remedy = "lower the sizes, the batch or the number of threads"});
  }
  return memory;
}

void release(Device device, void* memory) noexcept {
  if (memory == nullptr) return;
  if (device.kind == Device::Kind::cuda) {
    cuda::release(device.index, memory);
  } else {
    std::free(memory);
  }
}

void copy(Device to_device, void* to, Device from_device, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  if (to_device == kCpu && from_device == kCpu) {
    std::memcpy(to, from, bytes);
  } else {
    cuda::copy(to, from, bytes);
  }
}

}  // namespace ecphory::compute
