#pragma once
// The CUDA half of memory.hpp. A build without CUDA refuses every call with what to do about it.

#include <cstddef>

namespace ecphory::compute::cuda {

void* allocate(int device, std::size_t bytes);
void release(int device, void* memory) noexcept;
/// Bytes that are free now.
std::size_t free_memory(int device);
void copy(void* to, const void* from, std::size_t bytes);

}  // namespace ecphory::compute::cuda
