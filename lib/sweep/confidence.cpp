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

std::optional<std::size_t> replicates_needed(const StopRule& rule,
                                             const std::vector<std::optional<double>>& replicates) {
  std::vector<double> values;
  for (std::size_t n = 1; n <= replicates.size(); ++n) {
    if (const auto& value = replicates[n - 1]; value && std::isfinite(*value)) values.push_back(*value);
    if (n >= static_cast<std::size_t>(rule.least) && width_of_mean(values) < rule.width) return n;
  }
  return std::nullopt;
}

}  // namespace ecphory::sweep
