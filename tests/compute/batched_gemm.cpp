#include "ecphory/compute/batched_gemm.hpp"

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::batched_gemm;
using compute::Transpose;

namespace {

constexpr Index kBlocks = 3;

template <class Real>
View<Real> block(View<Real> x, Index i) {
  return x.middle_columns(i * (x.columns / kBlocks), x.columns / kBlocks);
}

}  // namespace

TEST_CASE_TEMPLATE("every block is alpha op(a) op(b) + beta c, in views with strides", Real, float, double) {
  const Index m = 5;
  const Index n = 4;
  const Index k = 7;
  for (const Transpose ta : {Transpose::no, Transpose::yes}) {
    for (const Transpose tb : {Transpose::no, Transpose::yes}) {
      const auto shape = [](Transpose t, Index rows, Index columns, std::uint32_t step) {
        return t == Transpose::no ? random<Real>(rows, columns * kBlocks, step)
                                  : random<Real>(columns, rows * kBlocks, step);
      };
      Embedded<Real> a(shape(ta, m, k, 1));
      Embedded<Real> b(shape(tb, k, n, 2));
      const auto before = random<Real>(m, n * kBlocks, 3);
      Embedded<Real> c(before);
      batched_gemm<Real>(kBlocks, ta, tb, Real{0.5}, a.view(), b.view(), Real{-2}, c.view());
      for (Index q = 0; q < kBlocks; ++q) {
        for (Index i = 0; i < m; ++i) {
          for (Index j = 0; j < n; ++j) {
            double sum = 0;
            double size = 0;
            for (Index l = 0; l < k; ++l) {
              const auto of_a = block(a.view(), q).matrix();
              const auto of_b = block(b.view(), q).matrix();
              const double x = ta == Transpose::no ? of_a(i, l) : of_a(l, i);
              const double y = tb == Transpose::no ? of_b(l, j) : of_b(j, l);
              sum += x * y;
              size += std::abs(x * y);
            }
            const double old = block(View<const Real>(before), q).matrix()(i, j);
            // k products and their sum, and two more operations.
            const double slack = (k + 3) * kEps<Real> * (0.5 * size + 2 * std::abs(old));
            CHECK(std::abs(block(c.view(), q).matrix()(i, j) - (0.5 * sum - 2 * old)) <= slack);
          }
        }
      }
      CHECK(c.surroundings_stayed());
    }
  }
}

TEST_CASE("a block's bits are those of gemm; with beta = 0 what was in c does not matter") {
  const auto a = random<float>(5, 21, 1);
  const auto b = random<float>(7, 12, 2);
  Array<float> c({5, 12});
  c.matrix().setConstant(NAN);
  batched_gemm<float>(kBlocks, Transpose::no, Transpose::no, 1, a, b, 0, c);
  for (Index i = 0; i < kBlocks; ++i) {
    Array<float> alone({5, 4});
    compute::gemm<float>(Transpose::no, Transpose::no, 1, block(View<const float>(a), i),
                         block(View<const float>(b), i), 0, alone);
    CHECK(alone.matrix() == block(View<float>(c), i).matrix());
  }
}

TEST_CASE("columns that are not whole blocks, shapes that do not fit and no blocks are bugs") {
  const auto a = random<double>(4, 12, 1);
  const auto b = random<double>(4, 9, 2);
  const auto uneven = random<double>(4, 13, 2);  // blocks of 4 would leave one column over
  Array<double> c({4, 9});
  const auto product = [&](Index blocks, View<const double> x, View<const double> y, View<double> z) {
    batched_gemm<double>(blocks, Transpose::no, Transpose::no, 1, x, y, 0, z);
  };
  Array<double> ten({4, 10});
  CHECK_NOTHROW(product(3, a, b, c));
  CHECK_THROWS_AS(product(3, a, View<const double>(uneven).middle_columns(0, 10), c), base::Bug);
  CHECK_THROWS_AS(product(3, uneven, b, c), base::Bug);
  CHECK_THROWS_AS(product(3, a, b, ten), base::Bug);
  CHECK_THROWS_AS(product(3, b, b, c), base::Bug);
  CHECK_THROWS_AS(product(0, a, b, c), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  const Index m = 17;
  const Index n = 19;
  const Index k = 33;
  for (const Transpose ta : {Transpose::no, Transpose::yes}) {
    for (const Transpose tb : {Transpose::no, Transpose::yes}) {
      const auto shape = [](Transpose t, Index rows, Index columns, std::uint32_t step) {
        return t == Transpose::no ? random<Real>(rows, columns * kBlocks, step)
                                  : random<Real>(columns, rows * kBlocks, step);
      };
      Embedded<Real> a(shape(ta, m, k, 1));
      Embedded<Real> b(shape(tb, k, n, 2));
      Embedded<Real> c(random<Real>(m, n * kBlocks, 3));
      auto there = c.to(*device);
      const double largest = 0.5 * static_cast<double>(k) *
                                 static_cast<double>(a.matrix().cwiseAbs().maxCoeff()) *
                                 static_cast<double>(b.matrix().cwiseAbs().maxCoeff()) +
                             2 * static_cast<double>(c.matrix().cwiseAbs().maxCoeff());
      batched_gemm<Real>(kBlocks, ta, tb, Real{0.5}, a.view(), b.view(), Real{-2}, c.view());
      batched_gemm<Real>(kBlocks, ta, tb, Real{0.5}, a.to(*device).view(), b.to(*device).view(), Real{-2},
                         there.view());
      // Two sums of k products, in two orders.
      auto back = there.to(compute::kCpu);
      CHECK(within(back.matrix(), c.matrix(),
                   Eigen::ArrayXXd::Constant(m, n * kBlocks, 2 * (k + 3) * kEps<Real> * largest)));
      CHECK(back.surroundings_stayed());
    }
  }
}
