#include "ecphory/landscape/classify.hpp"

#include <Eigen/QR>
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"

namespace ecphory::landscape {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

void require(bool holds, const std::string& key, const std::string& problem, const std::string& expected) {
  if (!holds) throw base::UserError({.key = key, .problem = problem, .expected = expected});
}

void check(const MatrixXd& outputs, const MatrixXd& patterns, const ClassCriteria& c) {
  require(patterns.rows() == outputs.rows() && patterns.cols() >= 1, "patterns",
          fmt::format("{} x {}", patterns.rows(), patterns.cols()),
          fmt::format("{} rows, the neurons of the first layer, and at least one column", outputs.rows()));
  require(patterns.allFinite(), "patterns", "they are not finite", "finite numbers");
  require(patterns.colwise().norm().minCoeff() > 0, "patterns", "one of them is all zeros",
          "patterns with a direction");
  const auto fraction = [](const std::string& key, double value) {
    require(value > 0 && value <= 1, key, fmt::format("{} is not allowed", value), "a number in (0, 1]");
  };
  fraction("criteria.cosine", c.cosine);
  fraction("criteria.explained", c.explained);
  fraction("criteria.comparable", c.comparable);
  require(c.most_patterns >= 2, "criteria.most_patterns", fmt::format("{} is not allowed", c.most_patterns),
          "a whole number >= 2");
}

/// How many patterns g mixes, 0 for none. `order` is the patterns by falling |cosine|.
Index mixed(const VectorXd& g, const MatrixXd& patterns, const std::vector<Index>& order,
            const ClassCriteria& criteria) {
  const Index most = std::min(criteria.most_patterns, patterns.cols());
  for (Index s = 2; s <= most; ++s) {
    const std::vector<Index> chosen(order.begin(), order.begin() + s);
    const MatrixXd basis = patterns(Eigen::all, chosen);
    const VectorXd coefficients = basis.colPivHouseholderQr().solve(g);
    if ((g - basis * coefficients).squaredNorm() > (1 - criteria.explained) * g.squaredNorm()) continue;
    const VectorXd parts = coefficients.cwiseAbs().cwiseProduct(basis.colwise().norm().transpose());
    if (parts.minCoeff() >= criteria.comparable * parts.maxCoeff()) return s;
  }
  return 0;
}

}  // namespace

std::span<const std::string_view> names(FixedPointClass) {
  static constexpr std::array<std::string_view, 4> kNames = {"stored", "mixture", "spurious", "global_mean"};
  return kNames;
}

std::vector<Classification> classify(const MatrixXd& outputs, const MatrixXd& patterns,
                                     const ClassCriteria& criteria) {
  check(outputs, patterns, criteria);
  const MatrixXd directions = patterns.colwise().normalized();
  const VectorXd mean = patterns.rowwise().mean();
  const double longest = patterns.colwise().norm().maxCoeff();
  const double near_mean =
      std::max(std::sqrt(1 - criteria.cosine * criteria.cosine) * mean.norm(), 1e-6 * longest);
  const MatrixXd cosines = directions.transpose() * outputs;  // (M, columns), times ‖g‖
  std::vector<Classification> classes;
  for (Index j = 0; j < outputs.cols(); ++j) {
    const VectorXd g = outputs.col(j);
    const double length = g.norm();
    std::vector<Index> order(static_cast<std::size_t>(patterns.cols()));
    std::iota(order.begin(), order.end(), Index{0});
    std::ranges::stable_sort(order, std::greater<>(), [&](Index mu) { return std::abs(cosines(mu, j)); });
    Classification c{.kind = FixedPointClass::spurious,
                     .pattern = order.front(),
                     .cosine = length > 0 ? cosines(order.front(), j) / length : 0,
                     .mixed = 0};
    const double from_mean = (g - mean).norm();
    const bool global = patterns.cols() > 1 && from_mean <= near_mean;
    const double from_pattern = (g - std::copysign(1.0, c.cosine) * patterns.col(c.pattern)).norm();
    if (std::abs(c.cosine) >= criteria.cosine && !(global && from_mean < from_pattern)) {
      c.kind = FixedPointClass::stored;
      c.mixed = 1;
    } else if (global) {
      c.kind = FixedPointClass::global_mean;
      c.mixed = patterns.cols();
    } else if (length > 0) {
      c.mixed = mixed(g, patterns, order, criteria);
      if (c.mixed > 0) c.kind = FixedPointClass::mixture;
    }
    classes.push_back(c);
  }
  return classes;
}

}  // namespace ecphory::landscape
