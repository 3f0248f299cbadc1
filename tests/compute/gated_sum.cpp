#include "ecphory/compute/gated_sum.hpp"

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::gated_sum;

TEST_CASE_TEMPLATE("each row keeps and takes by its own gate, in views with strides", Real, float, double) {
  const auto before = random<Real>(7, 5, 1);
  Embedded<Real> x(before);
  Embedded<Real> y(random<Real>(7, 5, 2));
  Embedded<Real> keep(random<Real>(7, 1, 3));
  Embedded<Real> gate(random<Real>(7, 1, 4));
  gated_sum<Real>(keep.view(), gate.view(), y.view(), x.view());
  // Two products and a sum, each correctly rounded: equal bits.
  for (Index j = 0; j < 5; ++j) {
    for (Index i = 0; i < 7; ++i) {
      const Real kept = keep.matrix()(i, 0) * before.matrix()(i, j);
      const Real taken = gate.matrix()(i, 0) * y.matrix()(i, j);
      CHECK(x.matrix()(i, j) == kept + taken);
    }
  }
  CHECK(x.surroundings_stayed());
}

TEST_CASE("wrong shapes are bugs") {
  Array<double> x({4, 3});
  Array<double> y({4, 3});
  Array<double> other({4, 2});
  Array<double> gate({4, 1});
  Array<double> tall({5, 1});
  CHECK_THROWS_AS(gated_sum<double>(gate, gate, other, x), base::Bug);
  CHECK_THROWS_AS(gated_sum<double>(tall, gate, y, x), base::Bug);
  CHECK_THROWS_AS(gated_sum<double>(gate, tall, y, x), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's bits", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  Embedded<Real> keep(random<Real>(kManyRows, 1, 1));
  Embedded<Real> gate(random<Real>(kManyRows, 1, 2));
  Embedded<Real> y(random<Real>(kManyRows, kManyColumns, 3));
  Embedded<Real> x(random<Real>(kManyRows, kManyColumns, 4));
  auto keep_there = keep.to(*device);
  auto gate_there = gate.to(*device);
  auto y_there = y.to(*device);
  auto x_there = x.to(*device);
  gated_sum<Real>(keep.view(), gate.view(), y.view(), x.view());
  gated_sum<Real>(keep_there.view(), gate_there.view(), y_there.view(), x_there.view());
  auto x_back = x_there.to(compute::kCpu);
  CHECK(x_back.matrix() == x.matrix());
}
