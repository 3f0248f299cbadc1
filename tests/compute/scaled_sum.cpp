#include "ecphory/compute/scaled_sum.hpp"

#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::Scaled;
using compute::scaled_sum;

namespace {

template <class Real>
std::vector<Embedded<Real>> matrices(Index rows, Index columns, std::size_t n) {
  std::vector<Embedded<Real>> all;
  for (std::size_t k = 0; k < n; ++k)
    all.emplace_back(random<Real>(rows, columns, static_cast<unsigned>(k) + 1));
  return all;
}

template <class Real>
std::vector<Scaled<Real>> terms(std::vector<Embedded<Real>>& all) {
  std::vector<Scaled<Real>> sum;
  for (std::size_t k = 0; k < all.size(); ++k)
    sum.push_back({Real(0.3) - static_cast<Real>(k), all[k].view()});
  return sum;
}

}  // namespace

TEST_CASE_TEMPLATE("sums of one to eight matrices, term by term", Real, float, double) {
  for (std::size_t n = 1; n <= compute::kMostTerms; ++n) {
    auto all = matrices<Real>(7, 5, n);
    Embedded<Real> y(random<Real>(7, 5, 20));
    scaled_sum<Real>(terms(all), y.view());
    Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic> expected = Real(0.3) * all[0].matrix();
    for (std::size_t k = 1; k < n; ++k)
      expected = expected + (Real(0.3) - static_cast<Real>(k)) * all[k].matrix();
    // The same operations in the same order: equal bits.
    CHECK(y.matrix() == expected);
    CHECK(y.surroundings_stayed());
  }
}

TEST_CASE("arrays without gaps are summed as views with strides are; y may be a term") {
  auto all = matrices<double>(7, 5, 3);
  Embedded<double> expected(random<double>(7, 5, 20));
  scaled_sum<double>(terms(all), expected.view());
  Array<double> a({7, 5});
  Array<double> b({7, 5});
  Array<double> c({7, 5});
  a.matrix() = all[0].matrix();
  b.matrix() = all[1].matrix();
  c.matrix() = all[2].matrix();
  const std::vector<Scaled<double>> sum = {{0.3, a}, {0.3 - 1, b}, {0.3 - 2, c}};
  scaled_sum<double>(sum, b);
  CHECK(b.matrix() == expected.matrix());
}

TEST_CASE("no terms, too many, wrong shapes and two devices are bugs") {
  const auto x = random<double>(4, 3, 1);
  Array<double> y({4, 3});
  Array<double> wide({4, 4});
  CHECK_THROWS_AS(scaled_sum<double>({}, y), base::Bug);
  CHECK_THROWS_AS(scaled_sum<double>(std::vector<Scaled<double>>(9, {1.0, x}), y), base::Bug);
  CHECK_THROWS_AS(scaled_sum<double>(std::vector<Scaled<double>>{{1.0, x}}, wide), base::Bug);
  CHECK_THROWS_AS(scaled_sum<double>(std::vector<Scaled<double>>{{1.0, elsewhere(x)}}, y), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU sums as the CPU does", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  for (const std::size_t n : {std::size_t{1}, std::size_t{3}, compute::kMostTerms}) {
    auto all = matrices<Real>(kManyRows, kManyColumns, n);
    std::vector<Embedded<Real>> all_there;
    for (const Embedded<Real>& matrix : all) all_there.push_back(matrix.to(*device));
    Embedded<Real> y(random<Real>(kManyRows, kManyColumns, 20));
    auto y_there = y.to(*device);
    scaled_sum<Real>(terms(all), y.view());
    scaled_sum<Real>(terms(all_there), y_there.view());
    // The same operations in the same order, each correctly rounded: equal bits.
    auto back = y_there.to(compute::kCpu);
    CHECK(back.matrix() == y.matrix());
    CHECK(back.surroundings_stayed());
  }
}
