#pragma once
// The GPU whose numbers are compared with the CPU's.

#include <optional>

#include <doctest/doctest.h>

#include "compute/matrices.hpp"

namespace ecphory::tests {

/// The first GPU. Where there is none it says so, and the test case has nothing to do.
inline std::optional<compute::Device> gpu() {
  if (compute::cuda_device_count() > 0) return compute::Device{compute::Device::Kind::cuda, 0};
  MESSAGE("no GPU: its numbers are not compared with the CPU's");
  return std::nullopt;
}

/// |a − b| ≤ bound, element by element; NaN is never within.
template <class A, class B, class Bound>
bool within(const A& a, const B& b, const Bound& bound) {
  const auto difference = a.template cast<double>() - b.template cast<double>();
  return (difference.array().abs() <= bound.array()).all();
}

// More rows than a block has threads, more columns than are summed in one go, neither a multiple of a warp.
constexpr Index kManyRows = 301;
constexpr Index kManyColumns = 75;

}  // namespace ecphory::tests
