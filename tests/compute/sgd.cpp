#include "ecphory/compute/sgd.hpp"

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::sgd;

TEST_CASE_TEMPLATE("a step goes down the gradient and shrinks, in views with strides", Real, float, double) {
  const auto before = random<Real>(7, 5, 1);
  Embedded<Real> w(before);
  Embedded<Real> gradient(random<Real>(7, 5, 2));
  const auto rate = Real{0.3125};
  const auto decay = Real{0.0625};
  sgd(rate, decay, gradient.view(), w.view());
  for (Index j = 0; j < 5; ++j) {
    for (Index i = 0; i < 7; ++i) {
      const double kept = (1 - static_cast<double>(decay)) * static_cast<double>(before.matrix()(i, j));
      const double step = static_cast<double>(rate) * static_cast<double>(gradient.matrix()(i, j));
      CHECK(std::abs(static_cast<double>(w.matrix()(i, j)) - (kept - step)) <=
            2 * kEps<Real> * (std::abs(kept) + std::abs(step)));
    }
  }
  CHECK(w.surroundings_stayed());
}

TEST_CASE("the decay is not times the rate: a rate of 0 leaves it") {
  auto w = random<double>(7, 5, 1);
  const auto before = w.to(compute::kCpu);
  const auto gradient = random<double>(7, 5, 2);
  sgd<double>(0, 0.25, gradient, w);
  CHECK(w.matrix() == 0.75 * before.matrix());
  w.matrix() = before.matrix();
  sgd<double>(0, 0.0, gradient, w);
  CHECK(w.matrix() == before.matrix());
}

TEST_CASE("wrong shapes are bugs") {
  const auto gradient = random<double>(4, 3, 1);
  Array<double> wide({4, 4});
  Array<double> tall({5, 3});
  CHECK_THROWS_AS(sgd<double>(0.1, 0, gradient, wide), base::Bug);
  CHECK_THROWS_AS(sgd<double>(0.1, 0, gradient, tall), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  Embedded<Real> gradient(random<Real>(kManyRows, kManyColumns, 1));
  Embedded<Real> w(random<Real>(kManyRows, kManyColumns, 2));
  auto there = w.to(*device);
  sgd<Real>(Real(0.3), Real(0.01), gradient.view(), w.view());
  sgd<Real>(Real(0.3), Real(0.01), gradient.to(*device).view(), there.view());
  // The same operations in the same order, each correctly rounded: equal bits.
  auto back = there.to(compute::kCpu);
  CHECK(back.matrix() == w.matrix());
  CHECK(back.surroundings_stayed());
}
