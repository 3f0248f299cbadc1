#include "ecphory/models/modern_theory.hpp"

#include <algorithm>
#include <cmath>

#include <boost/math/special_functions/lambert_w.hpp>
#include <fmt/format.h>

#include "ecphory/base/error.hpp"

namespace ecphory::models {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

double storage_base(double beta, double k, int d, double p) {
  if (!(beta > 0) || !(k > 0) || d < 2 || !(p > 0 && p <= 1)) {
    throw base::UserError({.key = "storage base",
                           .problem = fmt::format("beta = {}, K = {}, d = {}, p = {}", beta, k, d, p),
                           .expected = "beta > 0, K > 0, d >= 2 and 0 < p <= 1"});
  }
  const double dimensions = d - 1;
  const double a = 2 / dimensions * (1 + std::log(2 * beta * k * k * p * dimensions));
  const double b = 2 * k * k * beta / 5;
  const double c = b / boost::math::lambert_w0(std::exp(a + std::log(b)));
  const double least = std::pow(2 / std::sqrt(p), 4 / dimensions);
  if (c >= least) return c;
  throw base::UserError(
      {.key = "storage base",
       .problem = fmt::format("c = {:.4g} is below (2/sqrt(p))^(4/(d-1)) = {:.4g}", c, least),
       .expected = "parameters that the theorem covers",
       .remedy = "a larger K, beta or d, or a larger p"});
}

VectorXd separations(const MatrixXd& patterns) {
  base::ensure(patterns.cols() >= 2, "a pattern is separated from others");
  MatrixXd overlaps = patterns.transpose() * patterns;
  const VectorXd own = overlaps.diagonal();
  overlaps.diagonal().setConstant(-std::numeric_limits<double>::infinity());
  return own - overlaps.colwise().maxCoeff().transpose();
}

namespace {

/// exp(−β (Δ_i − 2 max(‖ξ − x_i‖, ‖x_i* − x_i‖) L)).
double leakage(double beta, const MatrixXd& patterns, Index i, const VectorXd& state,
               const VectorXd& fixed_point) {
  const double away = std::max((state - patterns.col(i)).norm(), (fixed_point - patterns.col(i)).norm());
  const double longest = patterns.colwise().norm().maxCoeff();
  return std::exp(-beta * (separations(patterns)[i] - 2 * away * longest));
}

}  // namespace

double one_update_factor(double beta, const MatrixXd& patterns, Index i, const VectorXd& state,
                         const VectorXd& fixed_point) {
  const auto m = static_cast<double>(patterns.cols());
  const double longest = patterns.colwise().norm().maxCoeff();
  return 2 * beta * m * longest * longest * (m - 1) * leakage(beta, patterns, i, state, fixed_point);
}

double retrieval_error_bound(double beta, const MatrixXd& patterns, Index i, const VectorXd& state,
                             const VectorXd& fixed_point) {
  const auto m = static_cast<double>(patterns.cols());
  return 2 * (m - 1) * leakage(beta, patterns, i, state, fixed_point) * patterns.colwise().norm().maxCoeff();
}

double contraction(double beta, const MatrixXd& patterns) {
  const VectorXd mean = patterns.rowwise().mean();
  return beta * (patterns.colwise() - mean).colwise().squaredNorm().maxCoeff();
}

}  // namespace ecphory::models
