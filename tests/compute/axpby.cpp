#include "ecphory/compute/axpby.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::axpby;

TEST_CASE_TEMPLATE("alpha x + beta y, in views with strides", Real, float, double) {
  const auto before = random<Real>(7, 5, 1);
  Embedded<Real> x(random<Real>(7, 5, 2));
  for (const Real beta : {Real(-0.7), Real{1}}) {
    Embedded<Real> y(before);
    axpby<Real>(Real(0.3), x.view(), beta, y.view());
    const Eigen::ArrayXXd of_x = static_cast<double>(Real(0.3)) * x.matrix().template cast<double>().array();
    const Eigen::ArrayXXd of_y = static_cast<double>(beta) * before.matrix().template cast<double>().array();
    // Two products and their sum, rounded once each, in both.
    CHECK(within(y.matrix(), (of_x + of_y).matrix(), 2 * kEps<Real> * (of_x.abs() + of_y.abs())));
    CHECK(y.surroundings_stayed());
  }
}

TEST_CASE_TEMPLATE("with beta = 0 what was in y does not matter", Real, float, double) {
  const auto x = random<Real>(7, 5, 1);
  Array<Real> y({7, 5});
  y.matrix().setConstant(NAN);
  axpby<Real>(Real(0.3), x, 0, y);
  // One product, correctly rounded: equal bits.
  CHECK(y.matrix() == Real(0.3) * x.matrix());
  y.matrix().setConstant(NAN);
  axpby<Real>(1, x, 0, y);
  CHECK(y.matrix() == x.matrix());
}

TEST_CASE("x may be y") {
  const auto x = random<double>(7, 5, 1);
  for (const double beta : {0.0, -0.7}) {
    auto apart = x.to(compute::kCpu);
    auto in_place = x.to(compute::kCpu);
    axpby<double>(0.3, x, beta, apart);
    axpby<double>(0.3, in_place, beta, in_place);
    CHECK(in_place.matrix() == apart.matrix());
  }
}

TEST_CASE("wrong shapes and two devices are bugs") {
  const auto x = random<double>(4, 3, 1);
  Array<double> y({4, 3});
  Array<double> wide({4, 4});
  Array<double> tall({5, 3});
  for (Array<double>* wrong : {&wide, &tall}) {
    CHECK_THROWS_AS(axpby<double>(1, x, 0, *wrong), base::Bug);
    CHECK_THROWS_AS(axpby<double>(1, *wrong, 0, y), base::Bug);
  }
  CHECK_THROWS_AS(axpby<double>(1, elsewhere(x), 0, y), base::Bug);
  CHECK_THROWS_AS(axpby<double>(1, x, 0, elsewhere(y)), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  Embedded<Real> x(random<Real>(kManyRows, kManyColumns, 1));
  auto x_there = x.to(*device);
  for (const Real beta : {Real(-0.7), Real{0}}) {
    auto before = random<Real>(kManyRows, kManyColumns, 2);
    if (beta == 0) before.matrix().setConstant(NAN);
    Embedded<Real> y(before);
    auto y_there = y.to(*device);
    axpby<Real>(Real(0.3), x.view(), beta, y.view());
    axpby<Real>(Real(0.3), x_there.view(), beta, y_there.view());
    // The same operations in the same order, each correctly rounded: equal bits.
    auto back = y_there.to(compute::kCpu);
    CHECK(back.matrix() == y.matrix());
    CHECK(back.surroundings_stayed());
  }
  axpby<Real>(Real(0.3), x.view(), Real(-0.7), x.view());
  axpby<Real>(Real(0.3), x_there.view(), Real(-0.7), x_there.view());
  CHECK(x_there.to(compute::kCpu).matrix() == x.matrix());
}
