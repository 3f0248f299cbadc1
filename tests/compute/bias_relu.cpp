#include "ecphory/compute/bias_relu.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"
#include "differences.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::bias_relu;
using compute::bias_relu_backward;

TEST_CASE_TEMPLATE("relu of x + b, and where it lets a gradient pass, in views with strides", Real, float,
                   double) {
  Embedded<Real> bias(random<Real>(1, 1, 5));
  const Real b = bias.matrix()(0, 0);
  Embedded<Real> x(random<Real>(19, 6, 1));
  x.matrix()(3, 2) = -b;  // the corner itself is off
  Embedded<Real> y(random<Real>(19, 6, 2));
  bias_relu<Real>(bias.view(), x.view(), y.view());
  Embedded<Real> dy(random<Real>(19, 6, 3));
  Embedded<Real> dx(random<Real>(19, 6, 4));
  const auto dbias_before = random<Real>(1, 1, 6);
  Embedded<Real> dbias(dbias_before);
  bias_relu_backward<Real>(y.view(), dy.view(), dx.view(), dbias.view());
  double sum = static_cast<double>(dbias_before.matrix()(0, 0));
  double size = std::abs(sum);
  for (Index j = 0; j < 6; ++j) {
    for (Index i = 0; i < 19; ++i) {
      // One sum, correctly rounded: equal bits.
      const Real value = x.matrix()(i, j) + b;
      CHECK(y.matrix()(i, j) == (value > 0 ? value : 0));
      CHECK(dx.matrix()(i, j) == (value > 0 ? dy.matrix()(i, j) : 0));
      sum += static_cast<double>(dx.matrix()(i, j));
      size += std::abs(static_cast<double>(dx.matrix()(i, j)));
    }
  }
  CHECK(y.matrix()(3, 2) == 0);
  CHECK(dx.matrix()(3, 2) == 0);
  CHECK(std::abs(static_cast<double>(dbias.matrix()(0, 0)) - sum) <= 19 * 6 * kEps<Real> * size);
  CHECK(y.surroundings_stayed());
  CHECK(dx.surroundings_stayed());
  CHECK(dbias.surroundings_stayed());
}

TEST_CASE("the gradients are those of central differences") {
  auto x = random<double>(19, 6, 1);
  const auto bias = random<double>(1, 1, 4);
  for (double& value : x.elements())
    if (std::abs(value + bias.matrix()(0, 0)) < 0.05) value += 0.2;  // off the corner by more than a step
  const auto weight = random<double>(19, 6, 2);
  const auto direction = random<double>(19, 6, 3);
  const double bias_direction = 1.7;
  Array<double> y({19, 6});
  const auto loss_at = [&](double step) {
    auto moved = x.to(compute::kCpu);
    moved.matrix() += step * direction.matrix();
    auto moved_bias = bias.to(compute::kCpu);
    moved_bias.matrix()(0, 0) += step * bias_direction;
    bias_relu<double>(moved_bias, moved, y);
    return inner(weight.matrix(), y.matrix());
  };
  loss_at(0);
  Array<double> dx({19, 6});
  Array<double> dbias({1, 1});
  dbias.matrix()(0, 0) = 0;
  bias_relu_backward<double>(y, weight, dx, dbias);
  const double slope = inner(dx.matrix(), direction.matrix()) + bias_direction * dbias.matrix()(0, 0);
  CHECK(std::abs(derivative(loss_at, std::abs(slope)) - slope) <= 1e-7 * std::abs(slope));
}

TEST_CASE("results may overwrite what they are made of; without a bias it is 0") {
  const auto x = random<double>(19, 6, 1);
  Array<double> y({19, 6});
  Array<double> dx({19, 6});
  bias_relu<double>({}, x, y);
  CHECK(y.matrix() == x.matrix().cwiseMax(0));
  const auto dy = random<double>(19, 6, 2);
  bias_relu_backward<double>(y, dy, dx, {});
  auto in_place = x.to(compute::kCpu);
  bias_relu<double>({}, in_place, in_place);
  CHECK(in_place.matrix() == y.matrix());
  auto d = dy.to(compute::kCpu);
  bias_relu_backward<double>(y, d, d, {});
  CHECK(d.matrix() == dx.matrix());
}

TEST_CASE_TEMPLATE("a NaN is not silenced", Real, float, double) {
  auto x = random<Real>(19, 1, 1);
  x.matrix()(4, 0) = std::numeric_limits<Real>::quiet_NaN();
  bias_relu<Real>({}, x, x);
  CHECK(std::isnan(x.matrix()(4, 0)));
  CHECK(x.matrix().array().isNaN().count() == 1);
}

TEST_CASE("wrong shapes are bugs") {
  const auto x = random<double>(4, 3, 1);
  Array<double> wide({4, 4});
  Array<double> tall({5, 3});
  Array<double> y({4, 3});
  for (Array<double>* wrong : {&wide, &tall}) {
    CHECK_THROWS_AS(bias_relu<double>({}, x, *wrong), base::Bug);
    CHECK_THROWS_AS(bias_relu<double>(*wrong, x, y), base::Bug);
    CHECK_THROWS_AS(bias_relu_backward<double>(x, *wrong, y, {}), base::Bug);
    CHECK_THROWS_AS(bias_relu_backward<double>(x, x, *wrong, {}), base::Bug);
    CHECK_THROWS_AS(bias_relu_backward<double>(x, x, y, *wrong), base::Bug);
  }
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  Embedded<Real> bias(random<Real>(1, 1, 1));
  Embedded<Real> x(random<Real>(kManyRows, kManyColumns, 2));
  Embedded<Real> dbias(random<Real>(1, 1, 3));
  auto x_there = x.to(*device);
  auto bias_there = bias.to(*device);
  auto dbias_there = dbias.to(*device);
  bias_relu<Real>(bias.view(), x.view(), x.view());
  bias_relu<Real>(bias_there.view(), x_there.view(), x_there.view());
  auto x_back = x_there.to(compute::kCpu);
  CHECK(x_back.matrix() == x.matrix());
  CHECK(x_back.surroundings_stayed());

  Embedded<Real> d(random<Real>(kManyRows, kManyColumns, 4));
  auto d_there = d.to(*device);
  const double before = std::abs(static_cast<double>(dbias.matrix()(0, 0)));
  bias_relu_backward<Real>(x.view(), d.view(), d.view(), dbias.view());
  bias_relu_backward<Real>(x_there.view(), d_there.view(), d_there.view(), dbias_there.view());
  auto d_back = d_there.to(compute::kCpu);
  CHECK(d_back.matrix() == d.matrix());
  CHECK(d_back.surroundings_stayed());
  // Two sums of all elements, in two orders.
  const double size = before + d.matrix().template cast<double>().cwiseAbs().sum();
  CHECK(std::abs(static_cast<double>(dbias_there.to(compute::kCpu).matrix()(0, 0)) -
                 static_cast<double>(dbias.matrix()(0, 0))) <=
        2 * static_cast<double>(kManyRows * kManyColumns) * kEps<Real> * size);
}
