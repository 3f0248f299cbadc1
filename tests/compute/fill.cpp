#include "ecphory/compute/fill.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::fill;

TEST_CASE_TEMPLATE("every element of a view with strides gets the value, also where there was none", Real,
                   float, double) {
  auto before = random<Real>(7, 5, 1);
  before.matrix()(3, 2) = NAN;
  Embedded<Real> y(before);
  fill<Real>(Real(0.3), y.view());
  CHECK((y.matrix().array() == Real(0.3)).all());
  CHECK(y.surroundings_stayed());
  fill<Real>(0, y.view().middle_columns(1, 2));
  CHECK((y.matrix().array() == 0).count() == 14);
  CHECK(y.matrix().middleCols(1, 2).isZero(0));
}

TEST_CASE("of nothing it does nothing") {
  Array<double> y({7, 5});
  y.matrix().setConstant(2);
  fill<double>(1, View<double>(y).middle_columns(3, 0));
  fill<double>(1, View<double>(y).middle_rows(3, 0));
  fill<double>(1, {});
  CHECK((y.matrix().array() == 2).all());
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  Embedded<Real> y(random<Real>(kManyRows, kManyColumns, 1));
  auto there = y.to(*device);
  fill<Real>(Real(0.3), there.view());
  fill<Real>(1, there.view().middle_columns(3, 0));
  auto back = there.to(compute::kCpu);
  CHECK((back.matrix().array() == Real(0.3)).all());
  CHECK(back.surroundings_stayed());
}
