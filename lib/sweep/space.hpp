#pragma once
// A parameter space: which values the swept settings take together.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "ecphory/base/parameters.hpp"
#include "ecphory/sweep/sample.hpp"

namespace ecphory::sweep {

/// One swept setting. Where `when` (base::Expression) does not hold, the key keeps its one setting or its
/// default, and points that are then equal are one.
struct Axis {
  std::string key;  ///< dotted: "model.a"
  std::vector<base::Value> values;
  std::string when = {};  ///< empty: everywhere
};

/// Axes of one length that run together: first values, second values …
struct Zip {
  std::vector<Axis> axes;
};

/// From where to where a sampled setting goes. Whole numbers include both ends.
struct Range {
  std::string key;
  double low = 0;
  double high = 1;
  bool logarithmic = false;  ///< even in the logarithm
};

/// Points spread over a box.
struct Sample {
  Sampler sampler = Sampler::sobol;
  std::size_t points = 0;
  std::vector<Range> box;
};

struct Space;

/// Spaces one after the other. A key that one of them lacks keeps its one setting or its default there.
struct Blocks {
  std::vector<Space> blocks;
};

using Factor = std::variant<Axis, Zip, Sample, Blocks>;

/// Every combination of its factors' points, the last factor fastest, but for those of which a condition in
/// `exclude` holds. Conditions see the keys of their own space; others at their one setting or default.
struct Space {
  std::vector<Factor> factors = {};
  std::vector<std::string> exclude = {};
};

/// One key's value at every point.
struct Column {
  std::string key;
  std::vector<base::Value> values;
};

/// The points of a space.
struct Table {
  std::size_t points = 1;
  std::vector<Column> columns = {};  ///< in the order in which the keys stand in the space
  /// Keys that some points take from the settings, since a block lacks them or a condition does not hold.
  std::vector<std::string> from_settings = {};
};

/// Lists the points of `space`. Keys are among `parameters`; `settings` are those that the user gave; `seed`
/// is what samples draw from. Where a key has no effect (Parameter::when) it has its default. Throws
/// UserError (with the key) for unknown keys, values that are not allowed, an axis that is empty or has a
/// value twice, a key swept twice, axes zipped with unequal lengths, a box without extent, a key that has an
/// effect nowhere, conditions that cannot be read or leave nothing, more than 10 million points.
Table expand(const Space& space, std::span<const base::Parameter> parameters, const base::Point& settings,
             std::uint64_t seed);

}  // namespace ecphory::sweep
