#include "ecphory/compute/adamw.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::adamw;
using compute::AdamW;

TEST_CASE_TEMPLATE("a step of algorithm 2 from any moments, at any number, in views with strides", Real,
                   float, double) {
  const AdamW settings{.rate = 0.02, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-3, .decay = 0.3};
  for (const std::uint64_t step : {1, 2, 10, 100000}) {
    CAPTURE(step);
    const auto m_before = random<Real>(7, 5, 1);
    auto v_before = random<Real>(7, 5, 2);
    v_before.matrix() = v_before.matrix().cwiseAbs2();
    const auto w_before = random<Real>(7, 5, 3);
    Embedded<Real> gradient(random<Real>(7, 5, 4));
    Embedded<Real> m(m_before);
    Embedded<Real> v(v_before);
    Embedded<Real> w(w_before);
    adamw<Real>(settings, step, gradient.view(), m.view(), v.view(), w.view());
    for (Index j = 0; j < 5; ++j) {
      for (Index i = 0; i < 7; ++i) {
        const double g = gradient.matrix()(i, j);
        const double old = w_before.matrix()(i, j);
        const double m1 = 0.9 * m_before.matrix()(i, j);
        const double m2 = (1 - 0.9) * g;
        const double v_new = 0.999 * v_before.matrix()(i, j) + (1 - 0.999) * g * g;
        const double rate = 0.02 / (1 - std::pow(0.9, static_cast<double>(step)));
        const double root = std::sqrt(v_new / (1 - std::pow(0.999, static_cast<double>(step))));
        const double change = rate * (m1 + m2) / (root + 1e-3);
        const double size = rate * (std::abs(m1) + std::abs(m2)) / (root + 1e-3);
        // Each constant is rounded once, each operation too.
        CHECK(std::abs(m.matrix()(i, j) - (m1 + m2)) <= 4 * kEps<Real> * (std::abs(m1) + std::abs(m2)));
        CHECK(std::abs(v.matrix()(i, j) - v_new) <= 4 * kEps<Real> * v_new);
        CHECK(std::abs(w.matrix()(i, j) - (old * (1 - 0.02 * 0.3) - change)) <=
              kEps<Real> * (2 * std::abs(old) + 12 * size));
      }
    }
    CHECK(m.surroundings_stayed());
    CHECK(v.surroundings_stayed());
    CHECK(w.surroundings_stayed());
  }
}

TEST_CASE(
    "under a constant gradient every step is the rate, in its sign; the decay does not see the gradient") {
  auto w = random<double>(7, 5, 1);
  const auto gradient = random<double>(7, 5, 2);
  const auto begin = w.to(compute::kCpu);
  Array<double> m({7, 5});
  Array<double> v({7, 5});
  m.matrix().setZero();
  v.matrix().setZero();
  for (std::uint64_t step = 1; step <= 50; ++step)
    adamw<double>({.rate = 0.01, .epsilon = 0, .decay = 0}, step, gradient, m, v, w);
  // 1 − 0.999^step carries a rounding of eps / 0.001 into the root of the second moment.
  CHECK((w.matrix() - begin.matrix() + 0.5 * gradient.matrix().cwiseSign()).cwiseAbs().maxCoeff() < 1e-13);

  Array<double> none({7, 5});
  none.matrix().setZero();
  m.matrix().setZero();
  v.matrix().setZero();
  w.matrix() = begin.matrix();
  adamw<double>({.rate = 0.5, .decay = 0.25}, 1, none, m, v, w);
  CHECK(w.matrix() == 0.875 * begin.matrix());
}

TEST_CASE("step 0 and wrong shapes are bugs") {
  const auto gradient = random<double>(4, 3, 1);
  Array<double> m({4, 3});
  Array<double> v({4, 3});
  Array<double> w({4, 3});
  Array<double> wide({4, 4});
  Array<double> tall({5, 3});
  m.matrix().setZero();
  v.matrix().setZero();
  w.matrix().setZero();
  CHECK_NOTHROW(adamw<double>({}, 1, gradient, m, v, w));
  CHECK_THROWS_AS(adamw<double>({}, 0, gradient, m, v, w), base::Bug);
  for (Array<double>* wrong : {&wide, &tall}) {
    CHECK_THROWS_AS(adamw<double>({}, 1, *wrong, m, v, w), base::Bug);
    CHECK_THROWS_AS(adamw<double>({}, 1, gradient, *wrong, v, w), base::Bug);
    CHECK_THROWS_AS(adamw<double>({}, 1, gradient, m, *wrong, w), base::Bug);
    CHECK_THROWS_AS(adamw<double>({}, 1, gradient, m, v, *wrong), base::Bug);
  }
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  const AdamW settings{.rate = 0.02, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-3, .decay = 0.3};
  Embedded<Real> gradient(random<Real>(kManyRows, kManyColumns, 1));
  Embedded<Real> m(random<Real>(kManyRows, kManyColumns, 2));
  Embedded<Real> v(random<Real>(kManyRows, kManyColumns, 3));
  Embedded<Real> w(random<Real>(kManyRows, kManyColumns, 4));
  v.matrix() = v.matrix().cwiseAbs2().eval();
  auto m_there = m.to(*device);
  auto v_there = v.to(*device);
  auto w_there = w.to(*device);
  adamw<Real>(settings, 7, gradient.view(), m.view(), v.view(), w.view());
  adamw<Real>(settings, 7, gradient.to(*device).view(), m_there.view(), v_there.view(), w_there.view());
  // The same operations in the same order, each correctly rounded: equal bits.
  CHECK(m_there.to(compute::kCpu).matrix() == m.matrix());
  CHECK(v_there.to(compute::kCpu).matrix() == v.matrix());
  auto w_back = w_there.to(compute::kCpu);
  CHECK(w_back.matrix() == w.matrix());
  CHECK(w_back.surroundings_stayed());
}
