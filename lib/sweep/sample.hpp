#pragma once
// Points of the unit cube.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ecphory::sweep {

/// How points are spread.
enum class Sampler {
  sobol,  ///< Sobol' (1967), with the direction numbers of Joe & Kuo (2008), SIAM J. Sci. Comput. 30:2635
  latin_hypercube,  ///< McKay, Beckman & Conover (1979), Technometrics 21:239
  random,           ///< independent
};
std::span<const std::string_view> names(Sampler);

/// (points, dimensions), row-major: coordinates in [0, 1). Points of sobol (which begins at the centre of the
/// cube, without its corner 0) and of random continue when more are asked for; those of latin_hypercube do
/// not. sobol does not depend on the seed. Throws UserError for more dimensions than Sobol' points have
/// (3667); Bug for none.
std::vector<double> unit_points(Sampler sampler, std::size_t points, std::size_t dimensions,
                                std::uint64_t seed);

}  // namespace ecphory::sweep
