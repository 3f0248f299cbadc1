#include "ecphory/compute/gather.hpp"

#include <doctest/doctest.h>

#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::gather_columns;
using compute::scatter_columns;

namespace {

const std::vector<std::int32_t> which = {4, 0, 4, 6, 4, 2};

}  // namespace

TEST_CASE_TEMPLATE("picked columns are added in the order they stand, in views with strides", Real, float,
                   double) {
  const auto w = random<Real>(5, 7, 1);
  const auto dw_before = random<Real>(5, 7, 2);
  const auto y_before = random<Real>(5, 6, 3);
  Embedded<Real> from(w);
  Embedded<Real> y(y_before);
  gather_columns<Real>(from.view(), which, y.view());
  Embedded<Real> dy(random<Real>(5, 6, 4));
  Embedded<Real> dw(dw_before);
  scatter_columns<Real>(dy.view(), which, dw.view());
  // Correctly rounded sums in a given order: equal bits.
  Eigen::MatrixX<Real> expected = dw_before.matrix();
  for (Index j = 0; j < 6; ++j) {
    const Index column = which[static_cast<std::size_t>(j)];
    for (Index i = 0; i < 5; ++i) {
      CHECK(y.matrix()(i, j) == y_before.matrix()(i, j) + w.matrix()(i, column));
      expected(i, column) += dy.matrix()(i, j);
    }
  }
  CHECK(dw.matrix() == expected);
  CHECK(y.surroundings_stayed());
  CHECK(dw.surroundings_stayed());
}

TEST_CASE("both are products with the one-hot matrix, and each the transpose of the other") {
  Eigen::MatrixXd one_hot = Eigen::MatrixXd::Zero(7, 6);
  for (Index j = 0; j < 6; ++j) one_hot(which[static_cast<std::size_t>(j)], j) = 1;
  const auto w = random<double>(5, 7, 1);
  const auto dy = random<double>(5, 6, 2);
  Array<double> y({5, 6});
  Array<double> dw({5, 7});
  y.matrix().setZero();
  dw.matrix().setZero();
  gather_columns<double>(w, which, y);
  scatter_columns<double>(dy, which, dw);
  CHECK((y.matrix() - w.matrix() * one_hot).cwiseAbs().maxCoeff() <= 4 * kEps<double>);
  CHECK((dw.matrix() - dy.matrix() * one_hot.transpose()).cwiseAbs().maxCoeff() <= 16 * kEps<double>);
  CHECK(inner(y.matrix(), dy.matrix()) ==
        doctest::Approx(inner(w.matrix(), dw.matrix())).epsilon(64 * kEps<double>));
}

TEST_CASE("columns that are not there and wrong shapes are bugs") {
  const auto w = random<double>(5, 7, 1);
  Array<double> y({5, 6});
  Array<double> tall({6, 6});
  Array<double> dw({5, 7});
  for (const std::vector<std::int32_t>& wrong :
       {std::vector<std::int32_t>{0, 1, 2}, {0, 1, 2, 3, 4, 7}, {0, 1, 2, 3, 4, -1}}) {
    CHECK_THROWS_AS(gather_columns<double>(w, wrong, y), base::Bug);
    CHECK_THROWS_AS(scatter_columns<double>(y, wrong, dw), base::Bug);
  }
  CHECK_THROWS_AS(gather_columns<double>(w, which, tall), base::Bug);
  CHECK_THROWS_AS(scatter_columns<double>(tall, which, dw), base::Bug);
}
