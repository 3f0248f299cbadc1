#include "ecphory/sweep/sample.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include <boost/random/sobol.hpp>
#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/random.hpp"

namespace ecphory::sweep {
namespace {

constexpr base::Purpose kRandom("sweep.random");
constexpr base::Purpose kLatinHypercube("sweep.latin_hypercube");
constexpr base::Purpose kPermutation("sweep.permutation");

std::vector<double> sobol(std::size_t points, std::size_t dimensions) {
  constexpr std::size_t kMost = 3667;
  if (dimensions > kMost) {
    throw base::UserError({.key = "sweep.sample",
                           .problem = fmt::format("has {} keys", dimensions),
                           .expected = fmt::format("at most {} for sobol", kMost),
                           .remedy = "sample by latin_hypercube or random"});
  }
  boost::random::sobol_engine<std::uint64_t, 64> engine(dimensions);
  std::vector<double> unit(points * dimensions);
  for (double& x : unit) x = static_cast<double>(engine() >> 11U) * 0x1p-53;
  return unit;
}

std::vector<double> latin_hypercube(std::size_t points, std::size_t dimensions, std::uint64_t seed) {
  const auto n = static_cast<double>(points);
  std::vector<double> unit(points * dimensions);
  std::vector<std::size_t> slice(points);
  std::vector<double> within(points);
  std::vector<std::uint64_t> swap(1);
  for (std::size_t k = 0; k < dimensions; ++k) {
    const auto step = static_cast<std::uint32_t>(k);
    base::RandomStream({.seed = seed}, kLatinHypercube, step).uniforms(0, std::span(within));
    const base::RandomStream permutation({.seed = seed}, kPermutation, step);
    std::iota(slice.begin(), slice.end(), std::size_t{0});
    for (std::size_t i = points; i-- > 1;) {  // Fisher & Yates (1938)
      permutation.integers(i, i + 1, std::span(swap));
      std::swap(slice[i], slice[swap[0]]);
    }
    for (std::size_t i = 0; i < points; ++i) {
      const double end = static_cast<double>(slice[i] + 1) / n;  // to which the sum may round
      unit[i * dimensions + k] =
          std::min((static_cast<double>(slice[i]) + within[i]) / n, std::nextafter(end, 0.0));
    }
  }
  return unit;
}

}  // namespace

std::span<const std::string_view> names(Sampler) {
  static constexpr std::array<std::string_view, 3> kNames = {"sobol", "latin_hypercube", "random"};
  return kNames;
}

std::vector<double> unit_points(Sampler sampler, std::size_t points, std::size_t dimensions,
                                std::uint64_t seed) {
  base::ensure(dimensions > 0, "a cube has dimensions");
  switch (sampler) {
    case Sampler::sobol:
      return sobol(points, dimensions);
    case Sampler::latin_hypercube:
      return latin_hypercube(points, dimensions, seed);
    case Sampler::random:
      break;
  }
  std::vector<double> unit(points * dimensions);
  base::RandomStream({.seed = seed}, kRandom).uniforms(0, std::span(unit));
  return unit;
}

}  // namespace ecphory::sweep
