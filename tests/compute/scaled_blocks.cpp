#include "ecphory/compute/scaled_blocks.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"
#include "differences.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::add_scaled_blocks;
using compute::add_scaled_blocks_backward;

TEST_CASE_TEMPLATE("each block of x is added times its factor, and the gradients, in views with strides",
                   Real, float, double) {
  for (const Index blocks : {1, 3, 6}) {
    CAPTURE(blocks);
    const Index width = 6 / blocks;
    Embedded<Real> factors(random<Real>(1, blocks, 1));
    Embedded<Real> x(random<Real>(19, 6, 2));
    const auto before = random<Real>(19, 6, 3);
    Embedded<Real> y(before);
    add_scaled_blocks<Real>(factors.view(), x.view(), y.view());
    Embedded<Real> dy(random<Real>(19, 6, 4));
    Embedded<Real> dx(random<Real>(19, 6, 5));
    const auto dfactors_before = random<Real>(1, blocks, 6);
    Embedded<Real> dfactors(dfactors_before);
    add_scaled_blocks_backward<Real>(factors.view(), x.view(), dy.view(), dx.view(), dfactors.view());
    for (Index b = 0; b < blocks; ++b) {
      const Real factor = factors.matrix()(0, b);
      auto sum = static_cast<double>(dfactors_before.matrix()(0, b));
      double size = std::abs(sum);
      for (Index j = b * width; j < (b + 1) * width; ++j) {
        for (Index i = 0; i < 19; ++i) {
          const auto value = static_cast<double>(x.matrix()(i, j));
          const auto old = static_cast<double>(before.matrix()(i, j));
          const double more = static_cast<double>(factor) * value;
          // A product and a sum, rounded once each, in both.
          CHECK(std::abs(static_cast<double>(y.matrix()(i, j)) - (old + more)) <=
                2 * kEps<Real> * (std::abs(old) + std::abs(more)));
          // One product, correctly rounded: equal bits.
          CHECK(dx.matrix()(i, j) == factor * dy.matrix()(i, j));
          const double term = value * static_cast<double>(dy.matrix()(i, j));
          sum += term;
          size += std::abs(term);
        }
      }
      // As many products, and their sum.
      const double slack = static_cast<double>(19 * width + 1) * kEps<Real> * size;
      CHECK(std::abs(static_cast<double>(dfactors.matrix()(0, b)) - sum) <= slack);
    }
    CHECK(y.surroundings_stayed());
    CHECK(dx.surroundings_stayed());
    CHECK(dfactors.surroundings_stayed());
  }
}

TEST_CASE("the gradients are those of central differences") {
  const auto factors = random<double>(1, 3, 1);
  const auto x = random<double>(19, 6, 2);
  const auto before = random<double>(19, 6, 3);
  const auto weight = random<double>(19, 6, 4);
  Array<double> dx({19, 6});
  Array<double> dfactors({1, 3});
  dfactors.matrix().setZero();
  add_scaled_blocks_backward<double>(factors, x, weight, dx, dfactors);

  const auto of_x = random<double>(19, 6, 5);
  const auto of_factors = random<double>(1, 3, 6);
  const auto loss_at = [&](double step_of_x, double step_of_factors) {
    auto moved = x.to(compute::kCpu);
    moved.matrix() += step_of_x * of_x.matrix();
    auto moved_factors = factors.to(compute::kCpu);
    moved_factors.matrix() += step_of_factors * of_factors.matrix();
    auto y = before.to(compute::kCpu);
    add_scaled_blocks<double>(moved_factors, moved, y);
    return inner(weight.matrix(), y.matrix());
  };
  // One by one, so that neither hides behind the other, and both at once.
  const double by_x = inner(dx.matrix(), of_x.matrix());
  const double by_factors = inner(dfactors.matrix(), of_factors.matrix());
  const auto is_slope = [](double slope, const auto& loss) {
    return std::abs(derivative(loss, std::abs(slope)) - slope) <= 1e-7 * std::abs(slope);
  };
  CHECK(is_slope(by_x, [&](double step) { return loss_at(step, 0); }));
  CHECK(is_slope(by_factors, [&](double step) { return loss_at(0, step); }));
  CHECK(is_slope(by_x + by_factors, [&](double step) { return loss_at(step, step); }));
}

TEST_CASE("the gradient may overwrite the one it is made of") {
  const auto factors = random<double>(1, 3, 1);
  const auto x = random<double>(19, 6, 2);
  const auto dy = random<double>(19, 6, 3);
  Array<double> dx({19, 6});
  Array<double> apart({1, 3});
  Array<double> in_place({1, 3});
  apart.matrix().setZero();
  in_place.matrix().setZero();
  add_scaled_blocks_backward<double>(factors, x, dy, dx, apart);
  auto d = dy.to(compute::kCpu);
  add_scaled_blocks_backward<double>(factors, x, d, d, in_place);
  CHECK(d.matrix() == dx.matrix());
  CHECK(in_place.matrix() == apart.matrix());
}

TEST_CASE("uneven blocks, no blocks, wrong shapes and two devices are bugs") {
  const auto x = random<double>(4, 6, 1);
  const auto factors = random<double>(1, 3, 2);
  auto y = random<double>(4, 6, 3);
  auto dfactors = random<double>(1, 3, 4);
  CHECK_NOTHROW(add_scaled_blocks<double>(factors, x, y));
  CHECK_NOTHROW(add_scaled_blocks_backward<double>(factors, x, y, y, dfactors));

  Array<double> wide({4, 9});
  Array<double> tall({5, 6});
  for (Array<double>* wrong : {&wide, &tall}) {
    wrong->matrix().setZero();
    CHECK_THROWS_AS(add_scaled_blocks<double>(factors, *wrong, y), base::Bug);
    CHECK_THROWS_AS(add_scaled_blocks<double>(factors, x, *wrong), base::Bug);
    CHECK_THROWS_AS(add_scaled_blocks_backward<double>(factors, *wrong, y, y, dfactors), base::Bug);
    CHECK_THROWS_AS(add_scaled_blocks_backward<double>(factors, x, *wrong, y, dfactors), base::Bug);
    CHECK_THROWS_AS(add_scaled_blocks_backward<double>(factors, x, y, *wrong, dfactors), base::Bug);
  }
  Array<double> none({1, 0});
  Array<double> uneven({1, 4});
  Array<double> more({1, 12});
  Array<double> two_rows({2, 3});
  for (Array<double>* wrong : {&none, &uneven, &more, &two_rows}) {
    wrong->matrix().setZero();
    CHECK_THROWS_AS(add_scaled_blocks<double>(*wrong, x, y), base::Bug);
    CHECK_THROWS_AS(add_scaled_blocks_backward<double>(*wrong, x, y, y, dfactors), base::Bug);
    CHECK_THROWS_AS(add_scaled_blocks_backward<double>(factors, x, y, y, *wrong), base::Bug);
  }
  Array<double> other({1, 2});  // even blocks, but not those of the factors
  other.matrix().setZero();
  CHECK_THROWS_AS(add_scaled_blocks_backward<double>(factors, x, y, y, other), base::Bug);

  CHECK_THROWS_AS(add_scaled_blocks<double>(elsewhere(factors), x, y), base::Bug);
  CHECK_THROWS_AS(add_scaled_blocks<double>(factors, elsewhere(x), y), base::Bug);
  CHECK_THROWS_AS(add_scaled_blocks<double>(factors, x, elsewhere(y)), base::Bug);
  CHECK_THROWS_AS(add_scaled_blocks_backward<double>(elsewhere(factors), x, y, y, dfactors), base::Bug);
  CHECK_THROWS_AS(add_scaled_blocks_backward<double>(factors, elsewhere(x), y, y, dfactors), base::Bug);
  CHECK_THROWS_AS(add_scaled_blocks_backward<double>(factors, x, elsewhere(y), y, dfactors), base::Bug);
  CHECK_THROWS_AS(add_scaled_blocks_backward<double>(factors, x, y, elsewhere(y), dfactors), base::Bug);
  CHECK_THROWS_AS(add_scaled_blocks_backward<double>(factors, x, y, y, elsewhere(dfactors)), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  for (const Index blocks : {Index{1}, Index{5}, kManyColumns}) {
    CAPTURE(blocks);
    const Index width = kManyColumns / blocks;
    Embedded<Real> factors(random<Real>(1, blocks, 1));
    Embedded<Real> x(random<Real>(kManyRows, kManyColumns, 2));
    Embedded<Real> y(random<Real>(kManyRows, kManyColumns, 3));
    Embedded<Real> dfactors(random<Real>(1, blocks, 4));
    Eigen::ArrayXXd size = dfactors.matrix().template cast<double>().cwiseAbs();
    for (Index b = 0; b < blocks; ++b) {
      const auto of_x = x.matrix().middleCols(b * width, width).cwiseAbs();
      size(0, b) += inner(of_x, y.matrix().middleCols(b * width, width).cwiseAbs());
    }
    auto factors_there = factors.to(*device);
    auto x_there = x.to(*device);
    auto y_there = y.to(*device);
    auto d_there = y.to(*device);
    auto dfactors_there = dfactors.to(*device);
    Embedded<Real> d = y.to(compute::kCpu);

    add_scaled_blocks<Real>(factors.view(), x.view(), y.view());
    add_scaled_blocks<Real>(factors_there.view(), x_there.view(), y_there.view());
    // The same operations in the same order, each correctly rounded: equal bits.
    auto y_back = y_there.to(compute::kCpu);
    CHECK(y_back.matrix() == y.matrix());
    CHECK(y_back.surroundings_stayed());

    add_scaled_blocks_backward<Real>(factors.view(), x.view(), d.view(), d.view(), dfactors.view());
    add_scaled_blocks_backward<Real>(factors_there.view(), x_there.view(), d_there.view(), d_there.view(),
                                     dfactors_there.view());
    auto d_back = d_there.to(compute::kCpu);
    CHECK(d_back.matrix() == d.matrix());
    CHECK(d_back.surroundings_stayed());
    // Two sums of a block's products, in two orders.
    auto dfactors_back = dfactors_there.to(compute::kCpu);
    const double slack = 2 * static_cast<double>(kManyRows * width + 1) * kEps<Real>;
    CHECK(within(dfactors_back.matrix(), dfactors.matrix(), slack * size));
    CHECK(dfactors_back.surroundings_stayed());
  }
}
