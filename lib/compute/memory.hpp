#pragma once
// Raw memory on a device. Everything above it works with Array.

#include <cstddef>

#include "ecphory/compute/device.hpp"

namespace ecphory::compute {

/// Uninitialised memory, aligned to 64 bytes (CPU) or 256 (CUDA); nullptr for 0 bytes. The caller releases
/// it. Throws UserError when the device is not there or has not that much.
void* allocate(Device device, std::size_t bytes);

/// Gives memory of allocate() back. Never throws.
void release(Device device, void* memory) noexcept;

/// Copies between any two devices; done when it returns.
void copy(Device to_device, void* to, Device from_device, const void* from, std::size_t bytes);

}  // namespace ecphory::compute
