#include "ecphory/compute/bias_relu.hpp"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"
#include "differences.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::bias_relu;
using compute::bias_relu_backward;

TEST_CASE_TEMPLATE("relu of x + its block's b, and where it lets a gradient pass, in views with strides",
                   Real, float, double) {
  for (const Index blocks : {1, 3, 6}) {
    CAPTURE(blocks);
    const Index width = 6 / blocks;
    Embedded<Real> bias(random<Real>(1, blocks, 5));
    Embedded<Real> x(random<Real>(19, 6, 1));
    x.matrix()(3, 2) = -bias.matrix()(0, 2 / width);  // the corner itself is off
    Embedded<Real> y(random<Real>(19, 6, 2));
    bias_relu<Real>(bias.view(), x.view(), y.view());
    Embedded<Real> dy(random<Real>(19, 6, 3));
    Embedded<Real> dx(random<Real>(19, 6, 4));
    const auto dbias_before = random<Real>(1, blocks, 6);
    Embedded<Real> dbias(dbias_before);
    bias_relu_backward<Real>(y.view(), dy.view(), dx.view(), dbias.view());
    for (Index b = 0; b < blocks; ++b) {
      auto sum = static_cast<double>(dbias_before.matrix()(0, b));
      double size = std::abs(sum);
      for (Index j = b * width; j < (b + 1) * width; ++j) {
        for (Index i = 0; i < 19; ++i) {
          // One sum, correctly rounded: equal bits.
          const Real value = x.matrix()(i, j) + bias.matrix()(0, b);
          CHECK(y.matrix()(i, j) == (value > 0 ? value : 0));
          CHECK(dx.matrix()(i, j) == (value > 0 ? dy.matrix()(i, j) : 0));
          sum += static_cast<double>(dx.matrix()(i, j));
          size += std::abs(static_cast<double>(dx.matrix()(i, j)));
        }
      }
      const double slack = static_cast<double>(19 * width) * kEps<Real> * size;
      CHECK(std::abs(static_cast<double>(dbias.matrix()(0, b)) - sum) <= slack);
    }
    CHECK(y.matrix()(3, 2) == 0);
    CHECK(dx.matrix()(3, 2) == 0);
    CHECK(y.surroundings_stayed());
    CHECK(dx.surroundings_stayed());
    CHECK(dbias.surroundings_stayed());
  }
}

TEST_CASE("the gradients are those of central differences") {
  auto x = random<double>(19, 6, 1);
  const auto bias = random<double>(1, 3, 4);
  for (Index j = 0; j < 6; ++j) {
    for (Index i = 0; i < 19; ++i) {
      double& value = x.matrix()(i, j);
      if (std::abs(value + bias.matrix()(0, j / 2)) < 0.05)
        value += 0.2;  // off the corner by more than a step
    }
  }
  const auto weight = random<double>(19, 6, 2);
  const auto of_x = random<double>(19, 6, 3);
  const auto of_bias = random<double>(1, 3, 5);
  Array<double> y({19, 6});
  const auto loss_at = [&](double step_of_x, double step_of_bias) {
    auto moved = x.to(compute::kCpu);
    moved.matrix() += step_of_x * of_x.matrix();
    auto moved_bias = bias.to(compute::kCpu);
    moved_bias.matrix() += step_of_bias * of_bias.matrix();
    bias_relu<double>(moved_bias, moved, y);
    return inner(weight.matrix(), y.matrix());
  };
  loss_at(0, 0);
  Array<double> dx({19, 6});
  Array<double> dbias({1, 3});
  dbias.matrix().setZero();
  bias_relu_backward<double>(y, weight, dx, dbias);
  // One by one, so that neither hides behind the other, and both at once.
  const double by_x = inner(dx.matrix(), of_x.matrix());
  const double by_bias = inner(dbias.matrix(), of_bias.matrix());
  const auto is_slope = [](double slope, const auto& loss) {
    return std::abs(derivative(loss, std::abs(slope)) - slope) <= 1e-7 * std::abs(slope);
  };
  CHECK(is_slope(by_x, [&](double step) { return loss_at(step, 0); }));
  CHECK(is_slope(by_bias, [&](double step) { return loss_at(0, step); }));
  CHECK(is_slope(by_x + by_bias, [&](double step) { return loss_at(step, step); }));
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

TEST_CASE("wrong shapes, uneven blocks and two devices are bugs") {
  const auto x = random<double>(4, 6, 1);
  Array<double> wide({4, 7});
  Array<double> tall({5, 6});
  Array<double> y({4, 6});
  for (Array<double>* wrong : {&wide, &tall}) {
    CHECK_THROWS_AS(bias_relu<double>({}, x, *wrong), base::Bug);
    CHECK_THROWS_AS(bias_relu<double>({}, *wrong, y), base::Bug);
    CHECK_THROWS_AS(bias_relu_backward<double>(*wrong, x, y, {}), base::Bug);
    CHECK_THROWS_AS(bias_relu_backward<double>(x, *wrong, y, {}), base::Bug);
    CHECK_THROWS_AS(bias_relu_backward<double>(x, x, *wrong, {}), base::Bug);
  }
  auto bias = random<double>(1, 3, 2);
  CHECK_NOTHROW(bias_relu<double>(bias, x, y));
  CHECK_NOTHROW(bias_relu_backward<double>(x, x, y, bias));
  Array<double> uneven({1, 4});
  Array<double> more({1, 12});
  Array<double> two_rows({2, 3});
  for (Array<double>* wrong : {&uneven, &more, &two_rows}) {
    wrong->matrix().setZero();
    CHECK_THROWS_AS(bias_relu<double>(*wrong, x, y), base::Bug);
    CHECK_THROWS_AS(bias_relu_backward<double>(x, x, y, *wrong), base::Bug);
  }
  CHECK_THROWS_AS(bias_relu<double>(View<double>(bias).middle_columns(0, 0), x, y), base::Bug);
  CHECK_THROWS_AS(bias_relu_backward<double>(x, x, y, View<double>(bias).middle_columns(0, 0)), base::Bug);

  CHECK_THROWS_AS(bias_relu<double>(elsewhere(bias), x, y), base::Bug);
  CHECK_THROWS_AS(bias_relu<double>(bias, elsewhere(x), y), base::Bug);
  CHECK_THROWS_AS(bias_relu<double>(bias, x, elsewhere(y)), base::Bug);
  CHECK_THROWS_AS(bias_relu_backward<double>(elsewhere(x), x, y, bias), base::Bug);
  CHECK_THROWS_AS(bias_relu_backward<double>(x, elsewhere(x), y, bias), base::Bug);
  CHECK_THROWS_AS(bias_relu_backward<double>(x, x, elsewhere(y), bias), base::Bug);
  CHECK_THROWS_AS(bias_relu_backward<double>(x, x, y, elsewhere(bias)), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  for (const Index blocks : {Index{1}, Index{5}, kManyColumns}) {
    CAPTURE(blocks);
    const Index width = kManyColumns / blocks;
    Embedded<Real> bias(random<Real>(1, blocks, 1));
    Embedded<Real> x(random<Real>(kManyRows, kManyColumns, 2));
    Embedded<Real> dbias(random<Real>(1, blocks, 3));
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
    Eigen::ArrayXXd size = dbias.matrix().template cast<double>().cwiseAbs();
    bias_relu_backward<Real>(x.view(), d.view(), d.view(), dbias.view());
    bias_relu_backward<Real>(x_there.view(), d_there.view(), d_there.view(), dbias_there.view());
    auto d_back = d_there.to(compute::kCpu);
    CHECK(d_back.matrix() == d.matrix());
    CHECK(d_back.surroundings_stayed());
    // Two sums of a block's elements, in two orders.
    for (Index b = 0; b < blocks; ++b)
      size(0, b) += d.matrix().middleCols(b * width, width).template cast<double>().cwiseAbs().sum();
    auto dbias_back = dbias_there.to(compute::kCpu);
    const double slack = 2 * static_cast<double>(kManyRows * width) * kEps<Real>;
    CHECK(within(dbias_back.matrix(), dbias.matrix(), slack * size));
    CHECK(dbias_back.surroundings_stayed());
  }
  // Without a bias.
  Embedded<Real> x(random<Real>(kManyRows, kManyColumns, 2));
  Embedded<Real> d(random<Real>(kManyRows, kManyColumns, 4));
  auto x_there = x.to(*device);
  auto d_there = d.to(*device);
  bias_relu<Real>({}, x.view(), x.view());
  bias_relu<Real>({}, x_there.view(), x_there.view());
  bias_relu_backward<Real>(x.view(), d.view(), d.view(), {});
  bias_relu_backward<Real>(x_there.view(), d_there.view(), d_there.view(), {});
  CHECK(x_there.to(compute::kCpu).matrix() == x.matrix());
  CHECK(d_there.to(compute::kCpu).matrix() == d.matrix());
}
