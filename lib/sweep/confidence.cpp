#include "ecphory/sweep/confidence.hpp"

#include <cmath>
#include <limits>

#include <boost/math/distributions/students_t.hpp>

namespace ecphory::sweep {

double width_of_mean(const std::vector<double>& values) {
  if (values.size() < 2) return std::numeric_limits<double>::infinity();
  const auto n = static_cast<double>(values.size());
  double mean = 0;
  for (const double x : values) mean += x / n;
  double squares = 0;
  for (const double x : values) squares += (x - mean) * (x - mean);
  const double t = boost::math::quantile(boost::math::students_t(n - 1), 0.975);
  return 2 * t * std::sqrt(squares / (n - 1) / n);
}

bool enough(const StopRule& rule, const std::vector<std::optional<double>>& replicates) {
  if (replicates.size() < static_cast<std::size_t>(rule.least)) return false;
  std::vector<double> values;
  for (const auto& value : replicates) {
    if (value && std::isfinite(*value)) values.push_back(*value);
  }
  return width_of_mean(values) < rule.width;
}

}  // namespace ecphory::sweep
