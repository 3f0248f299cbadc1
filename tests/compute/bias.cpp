#include "ecphory/compute/bias.hpp"

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::add_bias;
using compute::add_bias_backward;

TEST_CASE_TEMPLATE("every column gets the bias, whose gradient is their sum, in views with strides", Real,
                   float, double) {
  const auto y_before = random<Real>(7, 5, 1);
  const auto dbias_before = random<Real>(7, 1, 2);
  Embedded<Real> y(y_before);
  Embedded<Real> bias(random<Real>(7, 1, 3));
  Embedded<Real> dy(random<Real>(7, 5, 4));
  Embedded<Real> dbias(dbias_before);
  add_bias<Real>(bias.view(), y.view());
  add_bias_backward<Real>(dy.view(), dbias.view());
  // Correctly rounded sums in a given order: equal bits.
  for (Index i = 0; i < 7; ++i) {
    Real sum = dbias_before.matrix()(i, 0);
    for (Index j = 0; j < 5; ++j) {
      CHECK(y.matrix()(i, j) == y_before.matrix()(i, j) + bias.matrix()(i, 0));
      sum += dy.matrix()(i, j);
    }
    CHECK(dbias.matrix()(i, 0) == sum);
  }
  CHECK(y.surroundings_stayed());
  CHECK(dbias.surroundings_stayed());
}

TEST_CASE("wrong shapes are bugs") {
  Array<double> y({4, 3});
  Array<double> tall({5, 1});
  Array<double> wide({4, 2});
  for (Array<double>* wrong : {&tall, &wide}) {
    CHECK_THROWS_AS(add_bias<double>(*wrong, y), base::Bug);
    CHECK_THROWS_AS(add_bias_backward<double>(y, *wrong), base::Bug);
  }
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  for (const Index columns : {Index{1}, kManyColumns, Index{20000}}) {
    CAPTURE(columns);
    Embedded<Real> bias(random<Real>(kManyRows, 1, 1));
    Embedded<Real> y(random<Real>(kManyRows, columns, 2));
    Embedded<Real> dbias(random<Real>(kManyRows, 1, 3));
    const Eigen::ArrayXXd size = y.matrix().template cast<double>().cwiseAbs().rowwise().sum() +
                                 dbias.matrix().template cast<double>().cwiseAbs();
    auto y_there = y.to(*device);
    auto dbias_there = dbias.to(*device);
    add_bias_backward<Real>(y.view(), dbias.view());
    add_bias_backward<Real>(y_there.view(), dbias_there.view());
    // Two sums of as many numbers as there are columns, in two orders.
    auto dbias_back = dbias_there.to(compute::kCpu);
    CHECK(within(dbias_back.matrix(), dbias.matrix(), 2 * static_cast<double>(columns) * kEps<Real> * size));
    CHECK(dbias_back.surroundings_stayed());
    add_bias<Real>(bias.view(), y.view());
    add_bias<Real>(bias.to(*device).view(), y_there.view());
    // One correctly rounded sum: equal bits.
    auto y_back = y_there.to(compute::kCpu);
    CHECK(y_back.matrix() == y.matrix());
    CHECK(y_back.surroundings_stayed());
  }
}
