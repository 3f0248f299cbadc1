#pragma once
// Points of the memories' parameters.

#include "ecphory/models/memories.hpp"

namespace ecphory::tests {

/// The defaults of a memory, but for what is changed.
inline base::Point point_of(const std::string& name, const base::Point& changed = {}) {
  base::Point point;
  for (const base::Parameter& p : models::memory_parameters()) point[p.key] = p.default_value;
  point["model.name"] = name;
  for (const auto& [key, value] : changed) point[key] = value;
  return point;
}

/// Its network.
inline dynamics::Network<double> memory_network(const base::Point& point, const Eigen::MatrixXd& patterns,
                                                const base::RandomKey& key = {}) {
  return models::memory_of(point).build(point, patterns, key);
}

}  // namespace ecphory::tests
