#include "ecphory/compute/gelu.hpp"

#include <cmath>

#include <doctest/doctest.h>
#include <omp.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"
#include "differences.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::gelu;
using compute::gelu_backward;

namespace {

long double normal_distribution(long double x) { return std::erfc(-x / std::sqrt(2.0L)) / 2; }
long double normal_density(long double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0L)); }

}  // namespace

TEST_CASE_TEMPLATE(
    "x times the normal distribution, and its derivative, far into the tails, in views with strides", Real,
    float, double) {
  auto values = random<Real>(19, 6, 1);
  values.matrix() *= 3;
  values.matrix()(4, 4) = 0;
  Embedded<Real> x(values);
  Embedded<Real> y(random<Real>(19, 6, 2));
  Embedded<Real> dy(random<Real>(19, 6, 3));
  Embedded<Real> dx(random<Real>(19, 6, 4));
  gelu<Real>(x.view(), y.view());
  gelu_backward<Real>(x.view(), dy.view(), dx.view());
  for (Index j = 0; j < 6; ++j) {
    for (Index i = 0; i < 19; ++i) {
      const auto a = static_cast<long double>(x.matrix()(i, j));
      const auto d = static_cast<long double>(dy.matrix()(i, j));
      // The distribution to four units (its own test), and some roundings more.
      const long double slack = 6 * static_cast<long double>(kEps<Real>);
      const long double expected = a * normal_distribution(a);
      CHECK(std::abs(static_cast<long double>(y.matrix()(i, j)) - expected) <= slack * std::abs(expected));
      const long double gradient = d * (normal_distribution(a) + a * normal_density(a));
      const long double size = std::abs(d) * (normal_distribution(a) + std::abs(a) * normal_density(a));
      CHECK(std::abs(static_cast<long double>(dx.matrix()(i, j)) - gradient) <= slack * size);
    }
  }
  CHECK(y.surroundings_stayed());
  CHECK(dx.surroundings_stayed());
}

TEST_CASE("the gradient is that of central differences") {
  const auto x = random<double>(19, 6, 1);
  const auto weight = random<double>(19, 6, 2);
  const auto direction = random<double>(19, 6, 3);
  Array<double> y({19, 6});
  const auto loss_at = [&](double step) {
    auto moved = x.to(compute::kCpu);
    moved.matrix() += step * direction.matrix();
    gelu<double>(moved, y);
    return inner(weight.matrix(), y.matrix());
  };
  Array<double> dx({19, 6});
  gelu_backward<double>(x, weight, dx);
  const double slope = inner(dx.matrix(), direction.matrix());
  CHECK(std::abs(derivative(loss_at, std::abs(slope)) - slope) <= 1e-7 * std::abs(slope));
}

TEST_CASE("Φ(1) of tables; 0 and x itself far out; NaN stays; results may overwrite") {
  Array<double> x({5, 1});
  x.matrix() << 1, 60, -60, 0, NAN;
  Array<double> y({5, 1});
  gelu<double>(x, y);
  CHECK(y.matrix()(0, 0) == doctest::Approx(0.841344746068542949).epsilon(4 * kEps<double>));
  CHECK(y.matrix()(1, 0) == 60);
  CHECK(y.matrix()(2, 0) == 0);
  CHECK(y.matrix()(3, 0) == 0);
  CHECK(std::isnan(y.matrix()(4, 0)));
  Array<double> dy({5, 1});
  dy.matrix().setConstant(2);
  Array<double> dx({5, 1});
  gelu_backward<double>(x, dy, dx);
  CHECK(dx.matrix()(1, 0) == 2);
  CHECK(dx.matrix()(2, 0) == 0);
  CHECK(dx.matrix()(3, 0) == 1);
  CHECK(std::isnan(dx.matrix()(4, 0)));
  gelu_backward<double>(x, dy, dy);
  CHECK(dy.matrix().topRows(4) == dx.matrix().topRows(4));
  gelu<double>(x, x);
  CHECK(x.matrix().topRows(4) == y.matrix().topRows(4));
}

TEST_CASE("one and two threads give the same bits") {
  const auto x = random<float>(512, 128, 1);
  Array<float> one({512, 128});
  Array<float> two({512, 128});
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  gelu<float>(x, one);
  omp_set_num_threads(2);
  gelu<float>(x, two);
  omp_set_num_threads(before);
  CHECK(one.matrix() == two.matrix());
}

TEST_CASE("wrong shapes are bugs") {
  const auto x = random<double>(4, 3, 1);
  Array<double> y({4, 3});
  Array<double> wide({4, 4});
  Array<double> tall({5, 3});
  for (Array<double>* wrong : {&wide, &tall}) {
    CHECK_THROWS_AS(gelu<double>(x, *wrong), base::Bug);
    CHECK_THROWS_AS(gelu_backward<double>(x, *wrong, y), base::Bug);
    CHECK_THROWS_AS(gelu_backward<double>(x, y, *wrong), base::Bug);
  }
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  auto values = random<Real>(kManyRows, kManyColumns, 1);
  values.matrix() *= 3;
  Embedded<Real> x(values);
  Embedded<Real> d(random<Real>(kManyRows, kManyColumns, 2));
  auto x_there = x.to(*device);
  auto d_there = d.to(*device);
  gelu_backward<Real>(x.view(), d.view(), d.view());
  gelu_backward<Real>(x_there.view(), d_there.view(), d_there.view());
  gelu<Real>(x.view(), x.view());
  gelu<Real>(x_there.view(), x_there.view());
  // The same operations in the same order, each correctly rounded: equal bits.
  auto x_back = x_there.to(compute::kCpu);
  auto d_back = d_there.to(compute::kCpu);
  CHECK(x_back.matrix() == x.matrix());
  CHECK(d_back.matrix() == d.matrix());
  CHECK(x_back.surroundings_stayed());
  CHECK(d_back.surroundings_stayed());
}
