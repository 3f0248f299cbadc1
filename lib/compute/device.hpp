#pragma once
// Where arrays live and operations run.

#include <string>

namespace ecphory::compute {

/// A processor with its own memory.
struct Device {
  enum class Kind { cpu, cuda };
  Kind kind = Kind::cpu;
  int index = 0;  ///< which GPU; 0 for the CPU

  friend bool operator==(const Device&, const Device&) = default;
};

inline constexpr Device kCpu{};

/// "cpu", "cuda:0".
std::string to_string(Device device);

/// The CUDA runtime this build uses ("13.0"), or "none" for a build without CUDA.
std::string cuda_version();

/// GPUs that can be used now; 0 without CUDA, without a driver or without a GPU.
int cuda_device_count();

}  // namespace ecphory::compute
