#include "ecphory/landscape/krylov.hpp"

#include <limits>

#include <doctest/doctest.h>

#include "dynamics/networks.hpp"

using namespace ecphory;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

TEST_CASE("steps are the best of their length") {
  const Index k = 6;
  MatrixXd h = MatrixXd::Zero(k + 1, k);
  landscape::HessenbergProblem problem(k, 2);
  for (Index i = 0; i < k; ++i) {
    h.col(i).head(i + 2) = tests::normals(i + 2, 1, static_cast<std::uint64_t>(i));
    problem.add(h.col(i).head(i + 2));
  }
  const auto residual = [&](const VectorXd& y) { return (2 * VectorXd::Unit(k + 1, 0) - h * y).norm(); };
  const VectorXd best = problem.solution(std::numeric_limits<double>::infinity());
  CHECK(std::abs(residual(best) - problem.residual()) < 1e-13);  // rounding of numbers near 2
  for (const double part : {0.9, 0.3, 0.01}) {
    const double longest = part * best.norm();
    const VectorXd y = problem.solution(longest);
    CHECK(std::abs(y.norm() - longest) < 1e-9 * longest);  // bisected to rounding of log μ
    CHECK(std::abs(residual(y) - problem.residual(y)) < 1e-13);
    for (Index i = 0; i < 50; ++i) {
      VectorXd other = y + 0.1 * longest * tests::normals(k, 1, static_cast<std::uint64_t>(100 + i));
      other *= longest / other.norm();
      CHECK(residual(other) >= residual(y));
    }
  }
}
