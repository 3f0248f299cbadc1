#include "ecphory/compute/block_sums.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::block_sums;

TEST_CASE_TEMPLATE("the scaled sum of every row over the columns of each block, in views with strides", Real,
                   float, double) {
  Embedded<Real> x(random<Real>(4, 30, 1));
  for (const Index blocks : {1, 3, 30}) {
    CAPTURE(blocks);
    Array<double> before({4, blocks});
    before.matrix().setConstant(NAN);  // what was there does not matter
    Embedded<double> sums(before);
    block_sums<Real>(0.3, x.view(), sums.view());
    const Index width = 30 / blocks;
    for (Index b = 0; b < blocks; ++b) {
      for (Index i = 0; i < 4; ++i) {
        long double sum = 0;
        long double size = 0;
        for (Index j = b * width; j < (b + 1) * width; ++j) {
          sum += static_cast<long double>(x.matrix()(i, j));
          size += std::abs(static_cast<long double>(x.matrix()(i, j)));
        }
        // A sum of that many, and a product, in double precision whatever x is in.
        const auto scale = static_cast<long double>(0.3);
        const auto slack = static_cast<long double>(static_cast<double>(width) * kEps<double>);
        CHECK(std::abs(static_cast<long double>(sums.matrix()(i, b)) - scale * sum) <= slack * scale * size);
      }
    }
    CHECK(sums.surroundings_stayed());
  }
}

TEST_CASE("numbers that single precision would lose count") {
  Array<float> x({1, 6});
  x.matrix() << 0x1p24F, 1, 1, -0x1p24F, 3, 0x1p-30F;
  Array<double> sums({1, 2});
  block_sums<float>(0.5, x, sums);
  CHECK(sums.matrix()(0, 0) == 0x1p23 + 1);
  CHECK(sums.matrix()(0, 1) == -0x1p23 + 1.5 + 0x1p-31);
}

TEST_CASE("blocks without columns have sums of 0") {
  const auto x = random<double>(4, 6, 1);
  Array<double> sums({4, 2});
  sums.matrix().setConstant(NAN);
  block_sums<double>(2, View<const double>(x).middle_columns(0, 0), sums);
  CHECK(sums.matrix().isZero(0));
}

TEST_CASE("other rows, uneven blocks, no blocks and two devices are bugs") {
  const auto x = random<double>(4, 6, 1);
  for (const Index blocks : {0, 4, 5, 12}) {
    CAPTURE(blocks);
    Array<double> sums({4, blocks});
    CHECK_THROWS_AS(block_sums<double>(1, x, sums), base::Bug);
  }
  Array<double> sums({4, 3});
  CHECK_NOTHROW(block_sums<double>(1, x, sums));
  Array<double> tall({5, 3});
  CHECK_THROWS_AS(block_sums<double>(1, x, tall), base::Bug);
  CHECK_THROWS_AS(block_sums<double>(1, elsewhere(x), sums), base::Bug);
  CHECK_THROWS_AS(block_sums<double>(1, x, elsewhere(sums)), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  const Index width = 1001;  // more columns than a block has threads
  for (const Index blocks : {Index{1}, Index{7}, kManyColumns}) {
    CAPTURE(blocks);
    const Index rows = blocks == 1 ? 1 : 5;
    Embedded<Real> x(random<Real>(rows, blocks * width, 1));
    Embedded<double> sums(random<double>(rows, blocks, 2));
    auto there = sums.to(*device);
    block_sums<Real>(0.3, x.view(), sums.view());
    auto x_there = x.to(*device);
    block_sums<Real>(0.3, x_there.view(), there.view());
    Eigen::ArrayXXd size(rows, blocks);
    for (Index b = 0; b < blocks; ++b)
      size.col(b) =
          0.3 * x.matrix().middleCols(b * width, width).template cast<double>().cwiseAbs().rowwise().sum();
    // Two sums of `width` numbers in double precision, in two orders.
    auto back = there.to(compute::kCpu);
    CHECK(within(back.matrix(), sums.matrix(), 2 * static_cast<double>(width) * kEps<double> * size));
    CHECK(back.surroundings_stayed());
    block_sums<Real>(0.3, x_there.view().middle_columns(0, 0), there.view());
    CHECK(there.to(compute::kCpu).matrix().isZero(0));
  }
}
