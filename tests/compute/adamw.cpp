#include "ecphory/compute/adamw.hpp"

#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::adamw;
using compute::AdamW;
using compute::AdamWStep;

namespace {

/// Column j's settings and the number of its step.
AdamW settings_of(Index j) {
  const auto x = static_cast<double>(j % 5);
  return {.rate = 0.02 / (1 + x),
          .beta1 = 0.9 - 0.1 * x,
          .beta2 = 0.999 - 0.01 * x,
          .epsilon = 1e-3 * (1 + x),
          .decay = 0.3 + x};
}
std::uint64_t number_of(Index j) {
  constexpr std::uint64_t kNumbers[] = {10, 1, 100000, 2, 300};
  return kNumbers[j % 5];
}

/// A step for each column in row 0; between them, what makes NaN.
template <class Real>
Array<AdamWStep<Real>> various(Index columns) {
  Array<AdamWStep<Real>> steps({2, columns});
  std::ranges::fill(steps.elements(), AdamWStep<Real>({.rate = NAN, .beta1 = NAN, .beta2 = NAN}, 1));
  for (Index j = 0; j < columns; ++j)
    *View<AdamWStep<Real>>(steps).column(j) = AdamWStep<Real>(settings_of(j), number_of(j));
  return steps;
}

template <class Real>
View<const AdamWStep<Real>> row(const Array<AdamWStep<Real>>& steps) {
  return View<const AdamWStep<Real>>(steps).middle_rows(0, 1);
}

/// The same for every column.
Array<AdamWStep<double>> uniform(const AdamW& settings, std::uint64_t number, Index columns) {
  Array<AdamWStep<double>> steps({1, columns});
  std::ranges::fill(steps.elements(), AdamWStep<double>(settings, number));
  return steps;
}

}  // namespace

TEST_CASE_TEMPLATE("each column takes its own step of algorithm 2 from any moments, in views with strides",
                   Real, float, double) {
  const auto m_before = random<Real>(7, 5, 1);
  auto v_before = random<Real>(7, 5, 2);
  v_before.matrix() = v_before.matrix().cwiseAbs2();
  const auto w_before = random<Real>(7, 5, 3);
  Embedded<Real> gradient(random<Real>(7, 5, 4));
  Embedded<Real> m(m_before);
  Embedded<Real> v(v_before);
  Embedded<Real> w(w_before);
  const auto steps = various<Real>(5);
  adamw<Real>(row(steps), gradient.view(), m.view(), v.view(), w.view());
  for (Index j = 0; j < 5; ++j) {
    CAPTURE(j);
    const AdamW s = settings_of(j);
    const auto number = static_cast<double>(number_of(j));
    for (Index i = 0; i < 7; ++i) {
      const double g = gradient.matrix()(i, j);
      const double old = w_before.matrix()(i, j);
      const double m1 = s.beta1 * m_before.matrix()(i, j);
      const double m2 = (1 - s.beta1) * g;
      const double v_new = s.beta2 * v_before.matrix()(i, j) + (1 - s.beta2) * g * g;
      const double rate = s.rate / (1 - std::pow(s.beta1, number));
      const double root = std::sqrt(v_new / (1 - std::pow(s.beta2, number)));
      const double change = rate * (m1 + m2) / (root + s.epsilon);
      const double size = rate * (std::abs(m1) + std::abs(m2)) / (root + s.epsilon);
      // Each constant is rounded once, each operation too.
      CHECK(std::abs(m.matrix()(i, j) - (m1 + m2)) <= 4 * kEps<Real> * (std::abs(m1) + std::abs(m2)));
      CHECK(std::abs(v.matrix()(i, j) - v_new) <= 4 * kEps<Real> * v_new);
      CHECK(std::abs(w.matrix()(i, j) - (old * (1 - s.rate * s.decay) - change)) <=
            kEps<Real> * (2 * std::abs(old) + 12 * size));
    }
  }
  CHECK(m.surroundings_stayed());
  CHECK(v.surroundings_stayed());
  CHECK(w.surroundings_stayed());
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
    adamw<double>(uniform({.rate = 0.01, .epsilon = 0, .decay = 0}, step, 5), gradient, m, v, w);
  // 1 − 0.999^step carries a rounding of eps / 0.001 into the root of the second moment.
  CHECK((w.matrix() - begin.matrix() + 0.5 * gradient.matrix().cwiseSign()).cwiseAbs().maxCoeff() < 1e-13);

  Array<double> none({7, 5});
  none.matrix().setZero();
  m.matrix().setZero();
  v.matrix().setZero();
  w.matrix() = begin.matrix();
  adamw<double>(uniform({.rate = 0.5, .decay = 0.25}, 1, 5), none, m, v, w);
  CHECK(w.matrix() == 0.875 * begin.matrix());
}

TEST_CASE("wrong shapes, a wrong number of steps and two devices are bugs") {
  const auto steps = uniform({}, 1, 3);
  const auto gradient = random<double>(4, 3, 1);
  Array<double> m({4, 3});
  Array<double> v({4, 3});
  Array<double> w({4, 3});
  Array<double> wide({4, 4});
  Array<double> tall({5, 3});
  m.matrix().setZero();
  v.matrix().setZero();
  w.matrix().setZero();
  CHECK_NOTHROW(adamw<double>(steps, gradient, m, v, w));
  for (Array<double>* wrong : {&wide, &tall}) {
    CHECK_THROWS_AS(adamw<double>(steps, *wrong, m, v, w), base::Bug);
    CHECK_THROWS_AS(adamw<double>(steps, gradient, *wrong, v, w), base::Bug);
    CHECK_THROWS_AS(adamw<double>(steps, gradient, m, *wrong, w), base::Bug);
    CHECK_THROWS_AS(adamw<double>(steps, gradient, m, v, *wrong), base::Bug);
  }
  for (const Index columns : {0, 1, 2, 4, 12}) {
    CAPTURE(columns);
    CHECK_THROWS_AS(adamw<double>(uniform({}, 1, columns), gradient, m, v, w), base::Bug);
  }
  CHECK_THROWS_AS(adamw<double>(various<double>(3), gradient, m, v, w), base::Bug);  // two rows
  CHECK_THROWS_AS(adamw<double>(elsewhere(steps), gradient, m, v, w), base::Bug);
  CHECK_THROWS_AS(adamw<double>(steps, elsewhere(gradient), m, v, w), base::Bug);
  CHECK_THROWS_AS(adamw<double>(steps, gradient, elsewhere(m), v, w), base::Bug);
  CHECK_THROWS_AS(adamw<double>(steps, gradient, m, elsewhere(v), w), base::Bug);
  CHECK_THROWS_AS(adamw<double>(steps, gradient, m, v, elsewhere(w)), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  const auto steps = various<Real>(kManyColumns);
  Embedded<Real> gradient(random<Real>(kManyRows, kManyColumns, 1));
  Embedded<Real> m(random<Real>(kManyRows, kManyColumns, 2));
  Embedded<Real> v(random<Real>(kManyRows, kManyColumns, 3));
  Embedded<Real> w(random<Real>(kManyRows, kManyColumns, 4));
  v.matrix() = v.matrix().cwiseAbs2().eval();
  const auto steps_there = steps.to(*device);
  auto gradient_there = gradient.to(*device);
  auto m_there = m.to(*device);
  auto v_there = v.to(*device);
  auto w_there = w.to(*device);
  adamw<Real>(row(steps), gradient.view(), m.view(), v.view(), w.view());
  adamw<Real>(row(steps_there), gradient_there.view(), m_there.view(), v_there.view(), w_there.view());
  // The same operations in the same order, each correctly rounded: equal bits.
  CHECK(m_there.to(compute::kCpu).matrix() == m.matrix());
  CHECK(v_there.to(compute::kCpu).matrix() == v.matrix());
  auto w_back = w_there.to(compute::kCpu);
  CHECK(w_back.matrix() == w.matrix());
  CHECK(w_back.surroundings_stayed());
}
