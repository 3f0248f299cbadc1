#include "ecphory/compute/softmax.hpp"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>
#include <omp.h>

#include "ecphory/base/random.hpp"

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
