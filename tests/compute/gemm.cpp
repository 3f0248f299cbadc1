#include "ecphory/compute/gemm.hpp"

#include <limits>

#include <doctest/doctest.h>

#include "ecphory/base/random.hpp"

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
