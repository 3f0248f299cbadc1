#pragma once
// Runs a plan on the threads of one machine.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "ecphory/base/cancel.hpp"
#include "ecphory/store/dataset.hpp"
#include "ecphory/sweep/plan.hpp"

namespace ecphory::sweep {

struct RunOptions {
  int threads = 0;                      ///< 0: all that OpenMP gives
  std::vector<std::size_t> order = {};  ///< a permutation of the runs; empty: as they stand in the plan
  std::filesystem::path scratch = ".";  ///< folder for what is too large for memory until it is written
  const base::CancellationToken* cancel = nullptr;
  /// Called by one thread at a time after each run: how many are done, how many of them failed.
  std::function<void(std::size_t done, std::size_t failed)> on_progress = {};
};

/// A run that threw.
struct Failure {
  std::size_t index;
  std::string message;
};

/// How a run of a plan ended. `status` of the dataset, over the grid's dimensions, holds these numbers.
enum class PointStatus : std::uint8_t { missing = 0, done = 1, failed = 2 };

struct Result {
  /// Every array of the experiment with the grid's dimensions before its own; coordinates; `status`. Points
  /// that are not done hold NaN, 0 or an empty string; spooled arrays have the rows of the longest. Only
  /// `status` and the grid's coordinates when no point is done.
  store::Dataset dataset;
  std::size_t done = 0;
  std::vector<Failure> failures;  ///< in the order of the plan
  std::int64_t failed_parts = 0;  ///< sum of the array kFailedParts over all points
};

/// Runs every point of `plan`, points in parallel and each on one BLAS thread. The result's bits depend on
/// the plan alone. Stops between points when `cancel` is requested. A point that throws is recorded and stops
/// nothing; a Bug is rethrown. A plan of one run leaves the threads to the experiment's own loops.
Result run(const Plan& plan, const RunOptions& options);

}  // namespace ecphory::sweep
