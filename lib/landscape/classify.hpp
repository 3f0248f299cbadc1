#pragma once
// What a fixed point is, seen from the patterns that were to be stored.

#include <Eigen/Core>
#include <span>
#include <string_view>
#include <vector>

namespace ecphory::landscape {

/// In this order; the first that fits, but stored and global_mean by which of the two is nearer.
///
/// stored       the retrieval state of a pattern: the output g has a cosine of at least `cosine` in size with
///              it. A negative cosine is the reversed pattern, which networks of odd dynamics store too
///              (Amit, Gutfreund & Sompolinsky 1985, Phys. Rev. A 32:1007).
/// global_mean  the state of uniform weights, which averages over all patterns (Ramsauer et al. 2021, arXiv
///              2008.02217, "global fixed point"): ‖g − ξ̄‖ ≤ √(1 − cosine²) ‖ξ̄‖ for the patterns' mean ξ̄, or
///              1e-6 of the longest pattern where the mean vanishes; with at least two patterns.
/// mixture      overlaps with a few patterns at once: the mixture states of Amit, Gutfreund & Sompolinsky,
/// and
///              the metastable states, means over a subset, of Ramsauer et al. For some s from 2 to
///              `most_patterns`, least squares of g on the s patterns of the largest |cosine| explains at
///              least `explained` of ‖g‖², and each takes part with at least `comparable` of the largest,
///              |coefficient| · ‖pattern‖. (For random patterns and binary outputs the symmetric mixture of 3
///              has 3/4 explained, and that of many 2/π.)
/// spurious     any other: the spin-glass states of Amit, Gutfreund & Sompolinsky among them, and g = 0.
enum class FixedPointClass { stored, mixture, spurious, global_mean };
std::span<const std::string_view> names(FixedPointClass);

struct ClassCriteria {
  double cosine = 0.95;            ///< in (0, 1]
  Eigen::Index most_patterns = 7;  ///< >= 2
  double explained = 0.6;          ///< in (0, 1]
  double comparable = 0.25;        ///< in (0, 1]
};

struct Classification {
  FixedPointClass kind;
  Eigen::Index pattern;  ///< that of the largest |cosine|
  double cosine;         ///< with it, signed; 0 for an output of zeros
  Eigen::Index mixed;    ///< patterns in a mixture, 1 for stored, all for global_mean, else 0
};

/// Classes of outputs (N, columns) beside patterns (N, M). Throws UserError for shapes that do not fit,
/// patterns of zeros or not finite, or criteria out of range.
std::vector<Classification> classify(const Eigen::MatrixXd& outputs, const Eigen::MatrixXd& patterns,
                                     const ClassCriteria& criteria = {});

}  // namespace ecphory::landscape
