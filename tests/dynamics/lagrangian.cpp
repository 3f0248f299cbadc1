#include "ecphory/dynamics/lagrangian.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/random.hpp"

using namespace ecphory;
using namespace ecphory::dynamics;
using compute::Array;
using compute::Index;

namespace {

const std::vector<Lagrangian> kAll = {Quadratic{}, RectifiedPower{2}, RectifiedPower{4}, LogSumExp{1.7},
                                      Spherical{}, Tanh{1.3},         Logistic{2.1}};

Array<double> random(Index rows, Index columns, std::uint32_t step) {
  Array<double> x({rows, columns});
  base::RandomStream({.seed = 1}, base::Purpose("lagrangian"), step).normals(0, x.elements());
  return x;
}

double value_at(const Lagrangian& lagrangian, const Eigen::VectorXd& x) {
  double l = 0;
  value<double>(lagrangian, {x.data(), x.size(), 1, x.size()}, {&l, 1, 1, 1});
  return l;
}

Eigen::VectorXd gradient_at(const Lagrangian& lagrangian, const Eigen::VectorXd& x) {
  Eigen::VectorXd g(x.size());
  gradient<double>(lagrangian, {x.data(), x.size(), 1, x.size()}, {g.data(), x.size(), 1, x.size()});
  return g;
}

}  // namespace

TEST_CASE("the output is the gradient of the value, the Hessian that of the output") {
  // Central differences with h = 1e-5: truncation h² and rounding eps/h are both near 1e-10.
  constexpr double kH = 1e-5;
  for (const Lagrangian& lagrangian : kAll) {
    CAPTURE(traits_of(lagrangian).name);
    const auto x = random(7, 5, 1);
    const auto u = random(7, 5, 2);
    Array<double> g({7, 5});
    Array<double> hu({7, 5});
    gradient<double>(lagrangian, x, g);
    hessian_times<double>(lagrangian, x, u, hu);
    for (Index j = 0; j < 5; ++j) {
      const Eigen::VectorXd xj = x.matrix().col(j);
      const Eigen::VectorXd uj = u.matrix().col(j);
      const double slope =
          (value_at(lagrangian, xj + kH * uj) - value_at(lagrangian, xj - kH * uj)) / (2 * kH);
      CHECK(slope == doctest::Approx(g.matrix().col(j).dot(uj)).epsilon(1e-8));
      const Eigen::VectorXd turn =
          (gradient_at(lagrangian, xj + kH * uj) - gradient_at(lagrangian, xj - kH * uj)) / (2 * kH);
      CHECK((turn - hu.matrix().col(j)).cwiseAbs().maxCoeff() < 1e-8);
      CHECK(uj.dot(hu.matrix().col(j)) >= -1e-14);  // convex
    }
  }
}

TEST_CASE("the null direction is where the Hessian vanishes") {
  const auto x = random(6, 1, 3);
  Array<double> u({6, 1});
  Array<double> hu({6, 1});
  u.matrix().setOnes();
  hessian_times<double>(LogSumExp{3}, x, u, hu);
  CHECK(hu.matrix().norm() < 1e-15);
  u.matrix() = x.matrix();
  hessian_times<double>(Spherical{}, x, u, hu);
  CHECK(hu.matrix().norm() < 1e-15);
}

TEST_CASE("values stay finite far from 0, and the spherical one has an output at 0") {
  for (const Lagrangian& lagrangian :
       {Lagrangian(LogSumExp{1}), Lagrangian(Tanh{1}), Lagrangian(Logistic{1})}) {
    for (const double size : {-1e4, 1e4}) {
      const Eigen::VectorXd x = Eigen::VectorXd::Constant(3, size);
      CHECK(std::isfinite(value_at(lagrangian, x)));
      CHECK(gradient_at(lagrangian, x).allFinite());
    }
  }
  CHECK(value_at(Tanh{2}, Eigen::VectorXd::Constant(1, 1e4)) == doctest::Approx(1e4 - std::log(2.0) / 2));
  CHECK(gradient_at(Spherical{}, Eigen::VectorXd::Zero(3)).isZero(0));
}

TEST_CASE("a Lagrangian's parameter out of range is refused") {
  CHECK_THROWS_AS(validate(LogSumExp{0}), base::UserError);
  CHECK_THROWS_AS(validate(LogSumExp{-1}), base::UserError);
  CHECK_THROWS_AS(validate(LogSumExp{INFINITY}), base::UserError);
  CHECK_THROWS_AS(validate(RectifiedPower{1}), base::UserError);
  CHECK_THROWS_AS(validate(Tanh{0}), base::UserError);
  CHECK_THROWS_AS(validate(Logistic{-2}), base::UserError);
  for (const Lagrangian& lagrangian : kAll) CHECK_NOTHROW(validate(lagrangian));
}
