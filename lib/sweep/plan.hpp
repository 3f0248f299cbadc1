#pragma once
// A plan: one experiment, its fixed settings, and the grid of points to run.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ecphory/sweep/experiment.hpp"

namespace ecphory::sweep {

/// One swept setting.
struct Axis {
  std::string key;  ///< dotted: "model.a"
  std::vector<base::Value> values;
};

/// A grid: every combination of the axes' values, each `replicates` times. The last axis runs fastest,
/// replicates fastest of all. Made by make_plan(), which checks it.
struct Plan {
  Experiment experiment;
  std::uint64_t seed = 1;
  base::Point settings;  ///< every key of the experiment that is not swept
  std::vector<Axis> axes;
  std::optional<std::int64_t> replicates;  ///< nothing: once, and no replicate dimension in the result

  /// Number of runs: points of the grid times replicates.
  std::size_t size() const;

  /// Settings of run `index`: a value for every key of the experiment.
  base::Point point(std::size_t index) const;

  /// The key from which run `index` draws its random numbers. Settings at their default do not enter, so that
  /// an experiment may get new ones; nor do the sections `integrator` and `record`: how a point is computed
  /// and what is kept of it leaves its random numbers as they are.
  base::RandomKey random_key(std::size_t index) const;

  /// Extents of the grid: one per axis, then the replicates if there are any.
  std::vector<std::size_t> shape() const;

  /// Names of the grid's dimensions: the last part of each swept key ("a"), or the whole key with underscores
  /// ("model_a") where two last parts are equal; then "replicate".
  std::vector<std::string> dimensions() const;
};

/// A checked plan. `settings` are what the user gave; defaults fill in the rest. Throws UserError (with the
/// key) for unknown keys, values that are not allowed, an axis that is empty or repeats a value, a key both
/// set and swept, replicates < 1, or a point whose settings do not go together.
Plan make_plan(const Experiment& experiment, std::uint64_t seed, const base::Point& settings,
               const std::vector<Axis>& axes, std::optional<std::int64_t> replicates);

/// 64 bits that name a point by its content: the experiment and every setting, not the plan it stands in.
/// Points of two plans with the same settings are one point and draw the same numbers.
std::uint64_t content_hash(const std::string& experiment, const base::Point& point);

}  // namespace ecphory::sweep
