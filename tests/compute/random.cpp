#include "ecphory/compute/random.hpp"

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;

namespace {

const base::RandomStream stream({.seed = 3, .point = 4, .replicate = 5}, base::Purpose("test"), 6);

}  // namespace

TEST_CASE_TEMPLATE("a matrix is filled column by column from the first element on, in views with strides",
                   Real, float, double) {
  Embedded<Real> x(random<Real>(19, 6, 1));
  std::vector<Real> expected(19 * 6);
  compute::normals<Real>(stream, 1001, x.view());
  stream.normals(1001, std::span(expected));
  CHECK(Eigen::MatrixX<Real>(x.matrix()).reshaped() ==
        Eigen::Map<Eigen::VectorX<Real>>(expected.data(), 19 * 6));
  compute::uniforms<Real>(stream, 1001, x.view());
  stream.uniforms(1001, std::span(expected));
  CHECK(Eigen::MatrixX<Real>(x.matrix()).reshaped() ==
        Eigen::Map<Eigen::VectorX<Real>>(expected.data(), 19 * 6));
  CHECK(x.surroundings_stayed());
}

TEST_CASE("elements beyond the end of the stream are a bug") {
  Array<double> x({2, 2});
  CHECK_NOTHROW(compute::normals<double>(stream, (std::uint64_t{1} << 33U) - 4, x));
  CHECK_THROWS_AS(compute::normals<double>(stream, (std::uint64_t{1} << 33U) - 3, x), base::Bug);
  CHECK_THROWS_AS(compute::uniforms<double>(stream, ~std::uint64_t{0}, x), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's bits", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{1001}, std::uint64_t{1} << 32U}) {
    CAPTURE(first);
    Embedded<Real> x(random<Real>(1001, 300, 1));
    auto there = x.to(*device);
    compute::normals<Real>(stream, first, x.view());
    compute::normals<Real>(stream, first, there.view());
    auto back = there.to(compute::kCpu);
    CHECK(back.matrix() == x.matrix());
    CHECK(back.surroundings_stayed());
    compute::uniforms<Real>(stream, first, x.view());
    compute::uniforms<Real>(stream, first, there.view());
    CHECK(there.to(compute::kCpu).matrix() == x.matrix());
  }
}
