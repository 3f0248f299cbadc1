#include "ecphory/tasks/patterns.hpp"

#include <cmath>

#include <doctest/doctest.h>

using namespace ecphory;
using Eigen::MatrixXd;
using tasks::Damage;
using tasks::PatternKind;
using tasks::PatternParameters;

TEST_CASE("patterns are of their kind, and one more pattern changes no other") {
  PatternParameters p{.neurons = 200, .patterns = 50, .kind = PatternKind::binary};
  const MatrixXd binary = tasks::draw_patterns(p, {.seed = 1});
  CHECK((binary.array().abs() == 1).all());
  CHECK(std::abs(binary.mean()) < 4 / std::sqrt(10000.0));
  p.kind = PatternKind::spherical;
  CHECK((tasks::draw_patterns(p, {.seed = 1}).colwise().norm().array() - 1).abs().maxCoeff() < 1e-14);
  p.kind = PatternKind::gaussian;
  const MatrixXd gaussian = tasks::draw_patterns(p, {.seed = 1});
  CHECK(gaussian.squaredNorm() / 50 == doctest::Approx(1).epsilon(4 * std::sqrt(2.0 / 10000)));
  p.patterns = 51;
  CHECK(tasks::draw_patterns(p, {.seed = 1}).leftCols(50) == gaussian);
}

TEST_CASE("cues are damaged as asked") {
  const PatternParameters p{.neurons = 100, .patterns = 3};
  const MatrixXd patterns = tasks::draw_patterns(p, {.seed = 2});
  const MatrixXd flipped = tasks::damaged(patterns, Damage::flip, 0.23, 7, {.seed = 2});
  const MatrixXd masked = tasks::damaged(patterns, Damage::mask, 0.5, 7, {.seed = 2});
  const MatrixXd noisy = tasks::damaged(patterns, Damage::noise, 0.5, 7, {.seed = 2});
  for (Eigen::Index j = 0; j < 7; ++j) {
    const auto own = patterns.col(j % 3);
    CHECK((flipped.col(j).array() == -own.array()).count() == 23);
    CHECK((flipped.col(j).array() == own.array()).count() == 77);
    CHECK(masked.col(j).head(50) == own.head(50));
    CHECK(masked.col(j).tail(50).isZero(0));
    CHECK((noisy.col(j) - own).norm() / 10 ==
          doctest::Approx(0.5).epsilon(0.3));  // 4 standard errors of 100 normals
  }
  CHECK(flipped.col(0) != flipped.col(3));
  CHECK(tasks::damaged(patterns, Damage::flip, 0, 3, {.seed = 2}) == patterns);
}

TEST_CASE("cues on a shell lie at its radius, in all directions alike") {
  const MatrixXd pattern = tasks::draw_patterns({.neurons = 8, .patterns = 1}, {.seed = 1});
  const MatrixXd away =
      (tasks::damaged(pattern, tasks::Damage::shell, 0.7, 5000, {.seed = 2}).colwise() - pattern.col(0)) /
      pattern.norm();
  CHECK((away.colwise().norm().array() - 0.7).abs().maxCoeff() < 1e-14);
  // An element of a direction in 8 dimensions has the variance 1/8: standard error of 5000 means 0.0035.
  CHECK(away.rowwise().mean().cwiseAbs().maxCoeff() < 0.015);
  CHECK((away.rowwise().squaredNorm().array() / 5000 * 8 / 0.49 - 1).abs().maxCoeff() < 0.1);
}
