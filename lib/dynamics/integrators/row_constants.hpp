#pragma once
// Numbers of every row of a flow, where its states are.

#include <vector>

#include "ecphory/compute/array.hpp"

namespace ecphory::dynamics {

/// (rows, 1) on a device.
template <class Element>
compute::Array<Element> row_constants(const std::vector<Element>& values, compute::Device device) {
  const auto n = static_cast<compute::Index>(values.size());
  compute::Array<Element> array({n, 1});
  std::copy(values.begin(), values.end(), array.data());
  return device == compute::kCpu ? std::move(array) : array.to(device);
}

}  // namespace ecphory::dynamics
