#include "ecphory/compute/gather.hpp"

#include <span>
#include <vector>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::gather_columns;
using compute::scatter_columns;

namespace {

const std::vector<std::int32_t> numbers = {4, 0, 4, 6, 4, 2};
const std::span<const std::int32_t> which = numbers;

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
  for (const std::vector<std::int32_t>& wrong_numbers :
       {std::vector<std::int32_t>{0, 1, 2}, {0, 1, 2, 3, 4, 7}, {0, 1, 2, 3, 4, -1}}) {
    const std::span<const std::int32_t> wrong = wrong_numbers;
    CHECK_THROWS_AS(gather_columns<double>(w, wrong, y), base::Bug);
    CHECK_THROWS_AS(scatter_columns<double>(y, wrong, dw), base::Bug);
  }
  CHECK_THROWS_AS(gather_columns<double>(w, which, tall), base::Bug);
  CHECK_THROWS_AS(scatter_columns<double>(tall, which, dw), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  constexpr Index kMany = 1000;  // picks: most columns several times
  Array<std::int32_t> picks({1, kMany});
  for (Index j = 0; j < kMany; ++j) picks.matrix()(0, j) = static_cast<std::int32_t>(j * j % kManyColumns);
  const auto picks_there = picks.to(*device);
  Embedded<Real> w(random<Real>(kManyRows, kManyColumns, 1));
  Embedded<Real> y(random<Real>(kManyRows, kMany, 2));
  auto w_there = w.to(*device);
  auto y_there = y.to(*device);
  gather_columns<Real>(w.view(), picks, y.view());
  gather_columns<Real>(w_there.view(), picks_there, y_there.view());
  scatter_columns<Real>(y.view(), picks, w.view());
  scatter_columns<Real>(y_there.view(), picks_there, w_there.view());
  // Correctly rounded sums in a given order: equal bits.
  auto w_back = w_there.to(compute::kCpu);
  auto y_back = y_there.to(compute::kCpu);
  CHECK(y_back.matrix() == y.matrix());
  CHECK(w_back.matrix() == w.matrix());
  CHECK(y_back.surroundings_stayed());
  CHECK(w_back.surroundings_stayed());

  // Nobody looks at the numbers there: what is not there is NaN, and nothing is written for it.
  picks.matrix()(0, 3) = -1;
  picks.matrix()(0, 4) = kManyColumns;
  const auto wrong_there = picks.to(*device);
  gather_columns<Real>(w_there.view(), wrong_there, y_there.view());
  CHECK(y_there.to(compute::kCpu).matrix().array().isNaN().count() == 2 * kManyRows);
  scatter_columns<Real>(y_there.view(), wrong_there, w_there.view());
  CHECK(w_there.to(compute::kCpu).matrix().allFinite());
}
