#pragma once
// Where a file came from.

#include <chrono>
#include <cstdint>
#include <string>

#include "ecphory/store/dataset.hpp"

namespace ecphory::store {

/// What made a result, and when.
struct Provenance {
  std::string title = {};
  std::string experiment = {};  ///< its kind
  std::string device = "cpu";   ///< where it was computed: "cpu", "cuda:0"
  std::string command = {};     ///< the command line
  std::uint64_t seed = 0;
  std::chrono::system_clock::time_point start = {};
  std::chrono::system_clock::time_point end = {};
};

/// Root attributes: title, Conventions, experiment, ecphory_version, commit, dirty, host, device, command,
/// seed, start_time, end_time (UTC, ISO 8601).
Attributes attributes_of(const Provenance& provenance);

}  // namespace ecphory::store
