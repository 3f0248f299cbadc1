#include "ecphory/compute/sgd.hpp"

#include <algorithm>
#include <limits>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::sgd;
using compute::SgdStep;

namespace {

/// A step for each column in row 0. Numbers of which 1 − decay is exact; between them, what makes NaN.
template <class Real>
Array<SgdStep<Real>> various(Index columns) {
  const Real nan = std::numeric_limits<Real>::quiet_NaN();
  Array<SgdStep<Real>> steps({2, columns});
  for (Index j = 0; j < columns; ++j) {
    *View<SgdStep<Real>>(steps).column(j) = {Real(0.3) * Real(j + 1), Real(j % 16) / 16};
    *View<SgdStep<Real>>(steps).middle_rows(1, 1).column(j) = {nan, nan};
  }
  return steps;
}

template <class Real>
View<const SgdStep<Real>> row(const Array<SgdStep<Real>>& steps) {
  return View<const SgdStep<Real>>(steps).middle_rows(0, 1);
}

/// The same for every column.
Array<SgdStep<double>> uniform(double rate, double decay, Index columns) {
  Array<SgdStep<double>> steps({1, columns});
  std::ranges::fill(steps.elements(), SgdStep<double>{rate, decay});
  return steps;
}

}  // namespace

TEST_CASE_TEMPLATE("each column goes down its gradient and shrinks by its own step, in views with strides",
                   Real, float, double) {
  const auto before = random<Real>(7, 5, 1);
  Embedded<Real> w(before);
  Embedded<Real> gradient(random<Real>(7, 5, 2));
  const auto steps = various<Real>(5);
  sgd<Real>(row(steps), gradient.view(), w.view());
  for (Index j = 0; j < 5; ++j) {
    const auto rate = static_cast<double>(row(steps).column(j)->rate);
    const double decay = static_cast<double>(j) / 16;
    for (Index i = 0; i < 7; ++i) {
      const double kept = (1 - decay) * static_cast<double>(before.matrix()(i, j));
      const double step = rate * static_cast<double>(gradient.matrix()(i, j));
      // Two products and their difference, rounded once each, in both.
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
  sgd<double>(uniform(0, 0.25, 5), gradient, w);
  CHECK(w.matrix() == 0.75 * before.matrix());
  w.matrix() = before.matrix();
  sgd<double>(uniform(0, 0, 5), gradient, w);
  CHECK(w.matrix() == before.matrix());
}

TEST_CASE("a step that is not set does nothing") {
  Array<SgdStep<double>> steps({1, 5});
  std::ranges::fill(steps.elements(), SgdStep<double>());
  auto w = random<double>(7, 5, 1);
  const auto before = w.to(compute::kCpu);
  sgd<double>(steps, random<double>(7, 5, 2), w);
  CHECK(w.matrix() == before.matrix());
}

TEST_CASE("wrong shapes, a wrong number of steps and two devices are bugs") {
  const auto gradient = random<double>(4, 3, 1);
  const auto steps = uniform(0.1, 0, 3);
  auto w = random<double>(4, 3, 2);
  Array<double> wide({4, 4});
  Array<double> tall({5, 3});
  CHECK_NOTHROW(sgd<double>(steps, gradient, w));
  CHECK_THROWS_AS(sgd<double>(uniform(0.1, 0, 4), gradient, wide), base::Bug);
  for (Array<double>* wrong : {&wide, &tall}) {
    CHECK_THROWS_AS(sgd<double>(steps, gradient, *wrong), base::Bug);
    CHECK_THROWS_AS(sgd<double>(steps, *wrong, w), base::Bug);
  }
  for (const Index columns : {0, 1, 2, 4, 12}) {
    CAPTURE(columns);
    CHECK_THROWS_AS(sgd<double>(uniform(0.1, 0, columns), gradient, w), base::Bug);
  }
  CHECK_THROWS_AS(sgd<double>(various<double>(3), gradient, w), base::Bug);  // two rows
  CHECK_THROWS_AS(sgd<double>(elsewhere(steps), gradient, w), base::Bug);
  CHECK_THROWS_AS(sgd<double>(steps, elsewhere(gradient), w), base::Bug);
  CHECK_THROWS_AS(sgd<double>(steps, gradient, elsewhere(w)), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  Embedded<Real> gradient(random<Real>(kManyRows, kManyColumns, 1));
  Embedded<Real> w(random<Real>(kManyRows, kManyColumns, 2));
  const auto steps = various<Real>(kManyColumns);
  auto gradient_there = gradient.to(*device);
  auto there = w.to(*device);
  const auto steps_there = steps.to(*device);
  sgd<Real>(row(steps), gradient.view(), w.view());
  sgd<Real>(row(steps_there), gradient_there.view(), there.view());
  // The same operations in the same order, each correctly rounded: equal bits.
  auto back = there.to(compute::kCpu);
  CHECK(back.matrix() == w.matrix());
  CHECK(back.surroundings_stayed());
}
