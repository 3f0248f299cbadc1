#pragma once
// A plan: one experiment, its fixed settings, and the ordered points to run.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ecphory/sweep/experiment.hpp"
#include "ecphory/sweep/space.hpp"

namespace ecphory::sweep {

/// When the replicates of a point are enough: the 95% interval of the mean of a number without dimensions
/// (Student's t) is narrower than asked. They are looked at in their order, so that the decision does not
/// depend on how the sweep was run.
struct StopRule {
  std::string result;       ///< the number's name: "accuracy"
  double width = 0;         ///< of the whole interval
  std::int64_t least = 10;  ///< replicates that every point has
};

/// Ordered runs: every point `replicates` times, replicates fastest. Made by make_plan(), which checks it.
struct Plan {
  Experiment experiment;
  std::uint64_t seed = 1;
  base::Point settings;         ///< every key of the experiment that no column has
  std::vector<Column> columns;  ///< the keys that differ between points
  std::vector<Axis> axes;       ///< of a grid; empty when the points are none
  std::size_t points = 1;
  std::size_t merged = 0;                  ///< points of the space that were equal to an earlier one
  std::optional<std::int64_t> replicates;  ///< nothing: once, and no replicate dimension in the result
  std::optional<StopRule> stop;
  /// 64 bits that name each point by its content: the experiment and the settings that are not at their
  /// default, whatever plan it stands in.
  std::vector<std::uint64_t> identities;
  std::vector<std::uint64_t> random_hashes;  ///< of the points, see random_key()

  /// Number of runs: points times replicates.
  std::size_t size() const { return points * replicate_count(); }
  std::size_t replicate_count() const { return static_cast<std::size_t>(replicates.value_or(1)); }

  /// Settings of run `index`: a value for every key of the experiment.
  base::Point point(std::size_t index) const;

  /// The key from which run `index` draws its random numbers. Settings at their default do not enter, so that
  /// an experiment may get new ones. Points of two plans with the same settings draw the same numbers. Nor do
  /// the sections `integrator` and `record`: how a point is computed and what is kept of it leaves its random
  /// numbers as they are.
  base::RandomKey random_key(std::size_t index) const;

  /// Whether results are arrays over the axes of a grid, and not over the dimension `point`.
  bool is_grid() const { return columns.size() == axes.size(); }

  /// Extents of the results' leading dimensions: one per axis, or the number of points; then the replicates
  /// if there are any.
  std::vector<std::size_t> shape() const;

  /// Names of those dimensions: name_of(column) of every axis, or "point"; then "replicate".
  std::vector<std::string> dimensions() const;

  /// What a swept key is called in results: the last part of the key ("a"), or the whole with underscores
  /// ("model_a") where two last parts are equal.
  std::string name_of(const std::string& key) const;

  /// 64 bits that name the plan by its content: experiment, seed, points and their order, replicates.
  std::uint64_t hash() const;

  /// "model.a = 1.0, model.beta = 2.0" of a run: what sets it apart from the others.
  std::string label(std::size_t index) const;
};

/// Whether the points are looked at by the experiment's own check.
enum class PointCheck { yes, no };

/// A checked plan. `settings` are what the user gave; defaults fill in the rest. Points with the same
/// settings are one. Throws UserError (with the key) as expand() does, for a key both set and swept,
/// replicates < 1, a stop rule without replicates, or a point whose settings do not go together.
Plan make_plan(const Experiment& experiment, std::uint64_t seed, const base::Point& settings,
               const Space& space, std::optional<std::int64_t> replicates,
               const std::optional<StopRule>& stop = {}, PointCheck check = PointCheck::yes);

}  // namespace ecphory::sweep
