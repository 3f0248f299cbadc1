#include "ecphory/landscape/classify.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

#include "dynamics/networks.hpp"

using namespace ecphory;
using namespace ecphory::landscape;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

TEST_CASE("classes of outputs beside patterns") {
  const Index n = 2000, m = 20;
  const MatrixXd xi = tests::normals(n, m, 1).cwiseSign();
  const auto one = [&](const VectorXd& g) { return classify(g, xi).front(); };

  const auto stored = one(0.7 * xi.col(3) + 0.1 * tests::normals(n, 1, 2));
  CHECK(stored.kind == FixedPointClass::stored);
  CHECK(stored.pattern == 3);
  CHECK(stored.mixed == 1);
  CHECK(stored.cosine > 0.95);
  const auto reversed = one(-xi.col(5));
  CHECK(reversed.kind == FixedPointClass::stored);
  CHECK(reversed.pattern == 5);
  CHECK(reversed.cosine == doctest::Approx(-1).epsilon(1e-12));

  // Symmetric mixtures of binary neurons, whichever the signs.
  const auto three = one((xi.col(0) - xi.col(1) + xi.col(2)).cwiseSign());
  CHECK(three.kind == FixedPointClass::mixture);
  CHECK(three.mixed == 3);
  const auto five = one((xi.col(0) + xi.col(1) + xi.col(2) + xi.col(3) + xi.col(9)).cwiseSign());
  CHECK(five.kind == FixedPointClass::mixture);
  CHECK(five.mixed == 5);
  // A mean over a subset; but not one in which a pattern hardly takes part, nor one over too many.
  CHECK(one((xi.col(4) + xi.col(7)) / 2).mixed == 2);
  CHECK(one(0.88 * xi.col(4) + 0.12 * xi.col(7) + 0.4 * tests::normals(n, 1, 6)).kind ==
        FixedPointClass::spurious);
  CHECK(one(xi.leftCols(16).rowwise().sum()).kind == FixedPointClass::spurious);

  CHECK(one(xi.rowwise().mean()).kind == FixedPointClass::global_mean);
  CHECK(one(xi.rowwise().mean()).mixed == m);
  CHECK(one(tests::normals(n, 1, 4)).kind == FixedPointClass::spurious);
  CHECK(one(VectorXd::Zero(n)).kind == FixedPointClass::spurious);
  CHECK(one(VectorXd::Zero(n)).cosine == 0);
}

TEST_CASE("the mean and the patterns where they are near each other, or where there is no mean") {
  MatrixXd alike = MatrixXd::Ones(8, 2);
  alike(0, 1) = 0.5;
  CHECK(classify(alike.col(1), alike).front().kind == FixedPointClass::stored);
  CHECK(classify(alike.rowwise().mean(), alike).front().kind == FixedPointClass::global_mean);
  CHECK(classify(VectorXd::Ones(8), MatrixXd::Ones(8, 1)).front().kind == FixedPointClass::stored);
  MatrixXd antipodal(4, 2);
  antipodal << 1, -1, 1, -1, 1, -1, 1, -1;
  CHECK(classify(VectorXd::Zero(4), antipodal).front().kind == FixedPointClass::global_mean);
  CHECK(classify(VectorXd(0.1 * VectorXd::Ones(4)), antipodal).front().kind == FixedPointClass::stored);
}

TEST_CASE("classes cannot be told without patterns that fit") {
  const MatrixXd g = MatrixXd::Ones(4, 1);
  CHECK_THROWS_AS(classify(g, MatrixXd::Ones(5, 2)), base::UserError);
  CHECK_THROWS_AS(classify(g, MatrixXd::Ones(4, 0)), base::UserError);
  CHECK_THROWS_AS(classify(g, MatrixXd::Zero(4, 2)), base::UserError);
  CHECK_THROWS_AS(classify(g, MatrixXd::Constant(4, 2, std::nan(""))), base::UserError);
  CHECK_THROWS_AS(classify(g, g, {.cosine = 1.5}), base::UserError);
  CHECK_THROWS_AS(classify(g, g, {.most_patterns = 1}), base::UserError);
  CHECK_THROWS_AS(classify(g, g, {.explained = 0}), base::UserError);
  CHECK_THROWS_AS(classify(g, g, {.comparable = -1}), base::UserError);
}
