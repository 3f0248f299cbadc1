#include "ecphory/compute/softmax.hpp"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>
#include <omp.h>

#include "ecphory/base/random.hpp"

#include "compute/gpu.hpp"

using namespace ecphory;
using compute::Array;
using compute::Index;

namespace {

template <class Real>
Array<Real> random(Index rows, Index columns) {
  Array<Real> x({rows, columns});
  base::RandomStream({.seed = 1}, base::Purpose("softmax")).normals(0, x.elements());
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("softmax and log-sum-exp equal their definitions", Real, float, double) {
  const auto x = random<Real>(37, 11);
  Array<Real> p({37, 11});
  Array<Real> l({1, 11});
  const Real beta = Real{1.75};
  compute::softmax(beta, x, p);
  compute::log_sum_exp(beta, x, l);
  // exp and a sum of 37 terms: some tens of roundings.
  const double slack = 64 * static_cast<double>(std::numeric_limits<Real>::epsilon());
  for (Index j = 0; j < 11; ++j) {
    double sum = 0;
    for (Index i = 0; i < 37; ++i) sum += std::exp(static_cast<double>(beta) * x.matrix()(i, j));
    for (Index i = 0; i < 37; ++i) {
      CHECK(p.matrix()(i, j) ==
            doctest::Approx(std::exp(static_cast<double>(beta) * x.matrix()(i, j)) / sum).epsilon(slack));
    }
    CHECK(l.matrix()(0, j) == doctest::Approx(std::log(sum) / static_cast<double>(beta)).epsilon(slack));
  }
}

TEST_CASE_TEMPLATE("scores of any size are safe", Real, float, double) {
  Array<Real> x({3, 3});
  x.matrix() << Real{1e4}, Real{-1e4}, 0,  //
      Real{-1e4}, Real{-1e4}, Real{1e4},   //
      0, Real{-1e4}, Real{1e4};
  Array<Real> p({3, 3});
  Array<Real> l({1, 3});
  compute::softmax(Real{1}, x, p);
  compute::log_sum_exp(Real{1}, x, l);
  CHECK(p.matrix().allFinite());
  CHECK(p.matrix()(0, 0) == 1);
  CHECK(p.matrix()(1, 0) == 0);
  CHECK(p.matrix()(1, 1) == doctest::Approx(1.0 / 3));
  CHECK(p.matrix()(1, 2) == doctest::Approx(0.5));
  CHECK(l.matrix()(0, 0) == Real{1e4});
  CHECK(l.matrix()(0, 1) == doctest::Approx(-1e4 + std::log(3.0)));
  CHECK(l.matrix()(0, 2) == doctest::Approx(1e4 + std::log(2.0)));
}

TEST_CASE_TEMPLATE("a score of minus infinity is a key that is not there; NaN spoils its own column only",
                   Real, float, double) {
  Array<Real> x({3, 2});
  x.matrix() << 1, 2,                             //
      -std::numeric_limits<Real>::infinity(), 1,  //
      1, std::numeric_limits<Real>::quiet_NaN();
  compute::softmax(Real{5}, x, x);
  CHECK(x.matrix()(0, 0) == doctest::Approx(0.5));
  CHECK(x.matrix()(1, 0) == 0);
  CHECK(x.matrix().col(1).array().isNaN().all());
}

TEST_CASE("beta = 0 is uniform; the result may overwrite the scores; columns sum to 1") {
  auto x = random<double>(5, 2);
  compute::softmax(0.0, x, x);
  CHECK((x.matrix().array() - 0.2).abs().maxCoeff() < 1e-16);
  auto y = random<double>(1000, 100);
  compute::softmax(3.0, y, y);
  CHECK((y.matrix().colwise().sum().array() - 1).abs().maxCoeff() < 1e-13);
}

TEST_CASE("one and two threads give the same bits") {
  const auto x = random<float>(512, 256);
  Array<float> one({512, 256});
  Array<float> two({512, 256});
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  compute::softmax(2.0F, x, one);
  omp_set_num_threads(2);
  compute::softmax(2.0F, x, two);
  omp_set_num_threads(before);
  CHECK(one.matrix() == two.matrix());
}

TEST_CASE("wrong shapes and an infinite or negative beta are bugs") {
  const auto x = random<double>(4, 3);
  Array<double> p({4, 2});
  CHECK_THROWS_AS(compute::softmax(1.0, x, p), base::Bug);
  Array<double> q({4, 3});
  CHECK_THROWS_AS(compute::softmax(-1.0, x, q), base::Bug);
  CHECK_THROWS_AS(compute::softmax(static_cast<double>(INFINITY), x, q), base::Bug);
  Array<double> l({1, 3});
  CHECK_THROWS_AS(compute::log_sum_exp(0.0, x, l), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = tests::gpu();
  if (!device) return;
  for (const auto& [rows, columns] : {std::pair<Index, Index>{1, 1}, {7, 3}, {33, 1}, {301, 75}, {5000, 4}}) {
    CAPTURE(rows);
    tests::Embedded<Real> x(random<Real>(rows, columns));
    tests::Embedded<Real> l(random<Real>(1, columns));
    auto x_there = x.to(*device);
    auto l_there = l.to(*device);
    const Real beta = Real{1.75};
    compute::log_sum_exp<Real>(beta, x.view(), l.view());
    compute::log_sum_exp<Real>(beta, x_there.view(), l_there.view());
    compute::softmax<Real>(beta, x.view(), x.view());
    compute::softmax<Real>(beta, x_there.view(), x_there.view());
    auto p = x_there.to(compute::kCpu);
    auto l_back = l_there.to(compute::kCpu);
    // Equal exponentials, summed in two orders.
    const double slack = 2 * (static_cast<double>(rows) + 2) * tests::kEps<Real>;
    CHECK(tests::within(p.matrix(), x.matrix(), slack * x.matrix().template cast<double>()));
    CHECK(tests::within(l_back.matrix(), l.matrix(),
                        slack + 4 * tests::kEps<Real> * l.matrix().template cast<double>().array().abs()));
    CHECK(p.surroundings_stayed());
    CHECK(l_back.surroundings_stayed());
  }
}

TEST_CASE_TEMPLATE("on the GPU too infinite scores are safe and NaN spoils its own column only", Real, float,
                   double) {
  const auto device = tests::gpu();
  if (!device) return;
  Array<Real> x({3, 3});
  x.matrix() << Real{1e4}, 1, 2,                              //
      Real{-1e4}, -std::numeric_limits<Real>::infinity(), 1,  //
      0, 1, std::numeric_limits<Real>::quiet_NaN();
  auto there = x.to(*device);
  compute::softmax<Real>(Real{5}, x, x);
  compute::softmax<Real>(Real{5}, there, there);
  const auto back = there.to(compute::kCpu);
  CHECK(back.matrix().leftCols(2) == x.matrix().leftCols(2));
  CHECK(back.matrix().col(2).array().isNaN().all());
}

TEST_CASE("matrices on two devices are a bug") {
  const auto x = random<double>(4, 3);
  Array<double> p({4, 3});
  const compute::View<double> elsewhere(p.data(), 4, 3, 4, {compute::Device::Kind::cuda, 0});
  CHECK_THROWS_AS(compute::softmax<double>(1, x, elsewhere), base::Bug);
  CHECK_THROWS_AS(compute::softmax<double>(1, elsewhere, p), base::Bug);
}
