#pragma once
// Patterns to store, random or from a file, and damaged copies of them to retrieve from.

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <string_view>

#include "ecphory/base/parameters.hpp"
#include "ecphory/base/random.hpp"
#include "ecphory/tasks/pattern_file.hpp"

namespace ecphory::tasks {

/// How the elements of a pattern are drawn.
enum class PatternKind {
  binary,     ///< −1 or 1
  gaussian,   ///< N(0, 1/N): length near 1
  spherical,  ///< uniform on the unit sphere
};
std::span<const std::string_view> names(PatternKind);

/// What is done to patterns from a file.
enum class Transform {
  none,
  sign,  ///< 1 above the middle between the smallest and the largest element of all patterns, else −1
  unit,  ///< of each pattern the mean is taken away, then it is scaled to length 1
};
std::span<const std::string_view> names(Transform);

/// How a cue differs from its pattern; `damage` says how much.
enum class Damage {
  flip,   ///< this fraction of the elements, drawn at random, changes its sign
  mask,   ///< this fraction of the elements, at the end, is 0
  noise,  ///< Gaussian noise of this standard deviation, in units of the pattern's root mean square
  shell,  ///< uniform on the sphere of this radius about the pattern, in units of the pattern's length
};
std::span<const std::string_view> names(Damage);

struct PatternParameters {
  std::int64_t neurons = 100;
  std::int64_t patterns = 5;
  double load = 0;  ///< patterns per neuron; above 0 it stands for `patterns`
  PatternKind kind = PatternKind::binary;
  std::string file = {};  ///< empty: random patterns
  Transform transform = Transform::none;
  std::int64_t cues = 5;
  Damage damage = Damage::flip;
  double level = 0.2;
};

/// Settings of the section `task`.
const base::ParameterTable<PatternParameters>& pattern_table();

/// M: the patterns, or the load times the neurons, rounded. Throws UserError for a load that makes none.
std::int64_t pattern_count(const PatternParameters& parameters);

/// (neurons, patterns), columns independent.
Eigen::MatrixXd draw_patterns(const PatternParameters& parameters, const base::RandomKey& key);

/// Patterns as columns, and the shape of one: drawn, or the first ones of the file, transformed. Throws
/// UserError as read_patterns() does, and for a pattern that the transform makes zero.
FilePatterns load_patterns(const PatternParameters& parameters, const base::RandomKey& key);

/// (neurons, cues): cue j is pattern j mod (number of patterns), damaged.
Eigen::MatrixXd damaged(const Eigen::MatrixXd& patterns, Damage damage, double level, std::int64_t cues,
                        const base::RandomKey& key);

}  // namespace ecphory::tasks
