#include "ecphory/compute/gemm.hpp"

#include <limits>

#include <doctest/doctest.h>

#include "ecphory/base/random.hpp"
#include "ecphory/compute/blas.hpp"

#include "compute/gpu.hpp"

using namespace ecphory;
using compute::Array;
using compute::Index;
using compute::Transpose;

namespace {

template <class Real>
Array<Real> random(Index rows, Index columns, std::uint32_t step) {
  Array<Real> x({rows, columns});
  base::RandomStream({.seed = 1}, base::Purpose("gemm"), step).normals(0, x.elements());
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("gemm is alpha op(a) op(b) + beta c", Real, float, double) {
  for (const auto& [m, n, k] :
       {std::tuple<Index, Index, Index>{5, 7, 3}, {64, 1, 100}, {1, 1, 1}, {33, 65, 129}}) {
    for (const Transpose ta : {Transpose::no, Transpose::yes}) {
      for (const Transpose tb : {Transpose::no, Transpose::yes}) {
        const auto a = ta == Transpose::no ? random<Real>(m, k, 1) : random<Real>(k, m, 1);
        const auto b = tb == Transpose::no ? random<Real>(k, n, 2) : random<Real>(n, k, 2);
        auto c = random<Real>(m, n, 3);
        const auto before = c.to(compute::kCpu);
        compute::gemm<Real>(ta, tb, Real{0.5}, a, b, Real{-2}, c);
        // Sums of k products round to at most k·eps of the sum of their sizes.
        const Real eps = std::numeric_limits<Real>::epsilon();
        for (Index i = 0; i < m; ++i) {
          for (Index j = 0; j < n; ++j) {
            double sum = 0;
            double size = 0;
            for (Index l = 0; l < k; ++l) {
              const double x = ta == Transpose::no ? a.matrix()(i, l) : a.matrix()(l, i);
              const double y = tb == Transpose::no ? b.matrix()(l, j) : b.matrix()(j, l);
              sum += x * y;
              size += std::abs(x * y);
            }
            const double expected = 0.5 * sum - 2.0 * before.matrix()(i, j);
            const double slack = static_cast<double>(k + 2) * eps * (size + std::abs(expected) + 1);
            CHECK(std::abs(c.matrix()(i, j) - expected) <= slack);
          }
        }
      }
    }
  }
}

TEST_CASE("with beta = 0 what was in c does not matter") {
  const auto a = random<double>(4, 4, 1);
  Array<double> c({4, 4});
  c.matrix().setConstant(std::numeric_limits<double>::quiet_NaN());
  compute::gemm<double>(Transpose::no, Transpose::no, 1, a, a, 0, c);
  CHECK(c.matrix().allFinite());
}

TEST_CASE("shapes that do not fit are a bug") {
  const auto a = random<float>(4, 5, 1);
  Array<float> c({4, 4});
  CHECK_THROWS_AS(compute::gemm<float>(Transpose::no, Transpose::no, 1, a, a, 0, c), base::Bug);
  CHECK_NOTHROW(compute::gemm<float>(Transpose::no, Transpose::yes, 1, a, a, 0, c));
}

TEST_CASE_TEMPLATE("a column's bits depend on its place in its group, not on the other columns", Real, float,
                   double) {
  const compute::SingleThreadedBlas one_thread;
  for (const auto& [m, k] :
       {std::pair<Index, Index>{1, 1}, {3, 2}, {20, 8}, {100, 33}, {257, 1000}, {64, 512}}) {
    for (const Transpose ta : {Transpose::no, Transpose::yes}) {
      const auto a = ta == Transpose::no ? random<Real>(m, k, 1) : random<Real>(k, m, 1);
      const auto b = random<Real>(k, 156, 2);
      Array<Real> whole({m, 156});
      compute::gemm<Real>(ta, Transpose::no, 1, a, b, 0, whole);
      for (const auto& [first, n] :
           {std::pair<Index, Index>{0, 12}, {12, 12}, {84, 36}, {24, 120}, {12, 144}}) {
        Array<Real> part({m, n});
        compute::gemm<Real>(ta, Transpose::no, 1, a, compute::View<const Real>(b).middle_columns(first, n), 0,
                            part);
        const bool same = part.matrix() == whole.matrix().middleCols(first, n);
        const std::string shape =
            std::to_string(m) + " rows, columns " + std::to_string(first) + " + " + std::to_string(n);
        CAPTURE(shape);
        CHECK(same);
      }
    }
  }
}

TEST_CASE("views of rows and columns are multiplied in place") {
  const auto a = random<double>(6, 5, 1);
  const auto b = random<double>(7, 16, 2);
  auto c = random<double>(9, 20, 3);
  const auto before = c.to(compute::kCpu);
  compute::gemm<double>(Transpose::no, Transpose::no, 1, compute::View<const double>(a).middle_rows(1, 4),
                        compute::View<const double>(b).middle_rows(2, 5), 1,
                        compute::View<double>(c).middle_rows(3, 4).middle_columns(2, 16));
  Eigen::MatrixXd expected = before.matrix();
  expected.block(3, 2, 4, 16) += a.matrix().middleRows(1, 4) * b.matrix().middleRows(2, 5);
  CHECK((c.matrix() - expected).cwiseAbs().maxCoeff() < 1e-14);  // sums of five products of order 1
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers, in single precision unless TF32 is wanted", Real, float,
                   double) {
  const auto device = tests::gpu();
  if (!device) return;
  for (const auto& [m, n, k] :
       {std::tuple<Index, Index, Index>{5, 7, 3}, {64, 1, 40}, {1, 1, 1}, {33, 65, 33}, {128, 128, 32}}) {
    for (const Transpose ta : {Transpose::no, Transpose::yes}) {
      for (const Transpose tb : {Transpose::no, Transpose::yes}) {
        tests::Embedded<Real> a(ta == Transpose::no ? random<Real>(m, k, 1) : random<Real>(k, m, 1));
        tests::Embedded<Real> b(tb == Transpose::no ? random<Real>(k, n, 2) : random<Real>(n, k, 2));
        tests::Embedded<Real> c(random<Real>(m, n, 3));
        auto a_there = a.to(*device);
        auto b_there = b.to(*device);
        auto c_there = c.to(*device);
        auto coarse_there = c.to(*device);
        Eigen::MatrixXd size_a = a.matrix().template cast<double>().cwiseAbs();
        Eigen::MatrixXd size_b = b.matrix().template cast<double>().cwiseAbs();
        if (ta == Transpose::yes) size_a.transposeInPlace();
        if (tb == Transpose::yes) size_b.transposeInPlace();
        const Eigen::MatrixXd size =
            0.5 * size_a * size_b + 2 * c.matrix().template cast<double>().cwiseAbs();
        compute::gemm<Real>(ta, tb, Real{0.5}, a.view(), b.view(), Real{-2}, c.view());
        compute::gemm<Real>(ta, tb, Real{0.5}, a_there.view(), b_there.view(), Real{-2}, c_there.view());
        {
          const compute::Tf32Products wanted;
          compute::gemm<Real>(ta, tb, Real{0.5}, a_there.view(), b_there.view(), Real{-2},
                              coarse_there.view());
        }
        // Two sums of k products, in two orders; TF32 rounds factors to 11 bits.
        const double slack = 2 * static_cast<double>(k + 3) * tests::kEps<Real>;
        auto back = c_there.to(compute::kCpu);
        CHECK(tests::within(back.matrix(), c.matrix(), slack * size));
        CHECK(back.surroundings_stayed());
        CHECK(tests::within(coarse_there.to(compute::kCpu).matrix(), c.matrix(), (slack + 0x1p-9) * size));
      }
    }
  }
  Array<Real> nan({4, 4});
  nan.matrix().setConstant(std::numeric_limits<Real>::quiet_NaN());
  auto there = nan.to(*device);
  const auto a_there = random<Real>(4, 4, 1).to(*device);
  compute::gemm<Real>(Transpose::no, Transpose::no, 1, a_there, a_there, 0, there);
  CHECK(there.to(compute::kCpu).matrix().allFinite());
}
