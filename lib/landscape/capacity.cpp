#include "ecphory/landscape/capacity.hpp"

#include <Eigen/Core>
#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"

namespace ecphory::landscape {
namespace {

void refuse(const std::string& key, const std::string& problem, const std::string& expected) {
  throw base::UserError({.key = key, .problem = problem, .expected = expected});
}

void check(const HalfLoadOptions& o) {
  if (!(o.low > 0) || !(o.high > o.low) || !std::isfinite(o.high))
    refuse("load", fmt::format("{} to {} is not a range of loads", o.low, o.high),
           "0 < low < high, both finite");
  if (!(o.width > 0 && o.width < 1))
    refuse("width", fmt::format("{} is not allowed", o.width), "a number > 0 and < 1");
  if (o.batch < 1 || o.most < o.batch)
    refuse("trials", fmt::format("batches of {} up to {}", o.batch, o.most), "1 <= batch <= most");
}

enum class Side { more, less, undecided };

Side side_of(const base::Proportion& p) {
  if (p.low > 0.5) return Side::more;
  if (p.high < 0.5) return Side::less;
  return Side::undecided;
}

}  // namespace

HalfLoad half_load(const RetrievalTrials& trials, const HalfLoadOptions& options) {
  check(options);
  HalfLoad result{.load = 0, .low = options.low, .high = options.high, .points = {}};
  const auto look = [&](double load) {
    std::int64_t done = 0;
    std::int64_t successes = 0;
    base::Proportion share{};
    do {
      const std::int64_t n = std::min(options.batch, options.most - done);
      successes += trials(load, done, n);
      done += n;
      share = base::wilson_interval(successes, done);
    } while (side_of(share) == Side::undecided && done < options.most);
    result.points.push_back({load, share, done});
    return side_of(share);
  };
  if (look(options.low) != Side::more) {
    result.within = false;
    result.load = result.high = options.low;
    return result;
  }
  if (look(options.high) != Side::less) {
    result.within = false;
    result.load = result.low = options.high;
    return result;
  }
  while (result.high > result.low * (1 + options.width)) {
    const double middle = std::sqrt(result.low * result.high);
    const Side side = look(middle);
    if (side == Side::undecided) {
      result.load = middle;
      return result;
    }
    (side == Side::more ? result.low : result.high) = middle;
  }
  result.load = std::sqrt(result.low * result.high);
  return result;
}

Extrapolation extrapolate(const std::vector<double>& sizes, const std::vector<double>& values,
                          const std::vector<double>& sigmas, double exponent) {
  if (!(exponent > 0)) refuse("exponent", fmt::format("{} is not allowed", exponent), "a number > 0");
  if (sizes.size() != values.size() || sizes.size() != sigmas.size())
    refuse("sizes", "sizes, values and errors differ in number", "one of each");
  if (sizes.empty() || std::ranges::min(sizes) == std::ranges::max(sizes))
    refuse("sizes", "all sizes are one", "at least two different sizes");
  Eigen::Matrix2d normal = Eigen::Matrix2d::Zero();
  Eigen::Vector2d right = Eigen::Vector2d::Zero();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (!(sigmas[i] > 0) || !(sizes[i] > 0))
      refuse("sizes", "a size or an error is not above 0", "numbers > 0");
    const Eigen::Vector2d row(1, std::pow(sizes[i], -exponent));
    normal += row * row.transpose() / (sigmas[i] * sigmas[i]);
    right += row * values[i] / (sigmas[i] * sigmas[i]);
  }
  const Eigen::Matrix2d covariance = normal.inverse();
  const Eigen::Vector2d fit = covariance * right;
  return {.limit = fit[0], .slope = fit[1], .error = std::sqrt(covariance(0, 0))};
}

}  // namespace ecphory::landscape
