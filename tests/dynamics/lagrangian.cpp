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

const std::vector<Lagrangian> kAll = {Quadratic{},
                                      RectifiedPower{2},
                                      RectifiedPower{4},
                                      LogSumExp{1.7},
                                      Spherical{},
                                      Tanh{1.3},
                                      Logistic{2.1},
                                      Sign{},
                                      Power{4},
                                      Power{3},
                                      Entmax{.beta = 0.4, .alpha = 1},
                                      Entmax{.beta = 0.8, .alpha = 1.25},
                                      Entmax{.beta = 0.9, .alpha = 1.5},
                                      Entmax{.beta = 0.4, .alpha = 2},
                                      Entmax{.beta = 0.3, .alpha = 2.5},
                                      LayerNorm{.gain = 1.6},
                                      LayerNorm{.groups = 3, .gain = 0.7, .epsilon = 0.1}};

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
  constexpr Index kNeurons = 9;
  for (const Lagrangian& lagrangian : kAll) {
    CAPTURE(traits_of(lagrangian).name);
    const auto x = random(kNeurons, 5, 1);
    const auto u = random(kNeurons, 5, 2);
    Array<double> g({kNeurons, 5});
    Array<double> hu({kNeurons, 5});
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
      if (traits_of(lagrangian).convex) CHECK(uj.dot(hu.matrix().col(j)) >= -1e-14);
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
  hessian_times<double>(Sign{}, x, u, hu);
  CHECK(hu.matrix().isZero(0));
  u.matrix() << 5, 5, -2, -2, 1, 1;  // constant in each of three blocks
  hessian_times<double>(LayerNorm{.groups = 3}, x, u, hu);
  CHECK(hu.matrix().norm() < 1e-14);
  for (const double alpha : {1.0, 1.25, 1.5, 2.0, 3.0}) {
    const Entmax entmax{.beta = 3, .alpha = alpha};
    Array<double> p({6, 1});
    gradient<double>(entmax, x, p);
    // A constant on the support, anything off it.
    u.matrix() = (p.matrix().array() > 0).select(Eigen::VectorXd::Ones(6), 7 * x.matrix());
    hessian_times<double>(entmax, x, u, hu);
    CHECK(hu.matrix().norm() < 1e-15);
    CHECK((p.matrix().array() == 0).any() == (alpha > 1));
  }
}

TEST_CASE("layer norm gives each block a mean of 0 and a variance of gain² v/(v + epsilon)") {
  const auto x = random(12, 4, 4);
  Array<double> g({12, 4});
  gradient<double>(LayerNorm{.groups = 3, .gain = 2, .epsilon = 0.5}, x, g);
  for (Index j = 0; j < 4; ++j) {
    for (const Index first : {0, 4, 8}) {
      const Eigen::Array4d before = x.matrix().col(j).segment<4>(first);
      const Eigen::Array4d after = g.matrix().col(j).segment<4>(first);
      const double variance = (before - before.mean()).square().mean();
      CHECK(std::abs(after.mean()) < 1e-15);
      CHECK(after.square().mean() == doctest::Approx(4 * variance / (variance + 0.5)).epsilon(1e-14));
    }
  }
  Array<double> in_place({12, 4});
  in_place.matrix() = x.matrix();
  gradient<double>(LayerNorm{.groups = 3, .gain = 2, .epsilon = 0.5}, in_place, in_place);
  CHECK(in_place.matrix() == g.matrix());
  CHECK(gradient_at(LayerNorm{}, Eigen::VectorXd::Constant(3, 0.25)).isZero(0));
}

TEST_CASE("layer norm refuses rows that its blocks do not divide") {
  const auto x = random(7, 2, 5);
  Array<double> g({7, 2});
  Array<double> l({1, 2});
  const Lagrangian norm = LayerNorm{.groups = 3};
  CHECK_THROWS_AS(value<double>(norm, x, l), base::Bug);
  CHECK_THROWS_AS(gradient<double>(norm, x, g), base::Bug);
  CHECK_THROWS_AS(hessian_times<double>(norm, x, x, g), base::Bug);
}

TEST_CASE("sign is the limit of tanh for an infinite gain, 1 at 0, and NaN stays NaN") {
  const auto x = random(20, 3, 6);
  Array<double> binary({20, 3});
  Array<double> graded({20, 3});
  gradient<double>(Sign{}, x, binary);
  gradient<double>(Tanh{1e6}, x, graded);
  CHECK(binary.matrix() == graded.matrix());
  const Eigen::VectorXd xj = x.matrix().col(0);
  CHECK(value_at(Sign{}, xj) == doctest::Approx(value_at(Tanh{1e6}, xj)).epsilon(1e-5));
  CHECK(gradient_at(Sign{}, Eigen::Vector2d(0.0, -0.0)) == Eigen::Vector2d(1, 1));
  CHECK(std::isnan(gradient_at(Sign{}, Eigen::VectorXd::Constant(1, NAN))[0]));
}

TEST_CASE("values stay finite far from 0, and the spherical one has an output at 0") {
  for (const Lagrangian& lagrangian :
       {Lagrangian(LogSumExp{1}), Lagrangian(Tanh{1}), Lagrangian(Logistic{1}), Lagrangian(Sign{}),
        Lagrangian(Entmax{}), Lagrangian(Entmax{.alpha = 1.25}), Lagrangian(LayerNorm{})}) {
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
  CHECK_THROWS_AS(validate(Entmax{.beta = 0}), base::UserError);
  CHECK_THROWS_AS(validate(Entmax{.alpha = 0.5}), base::UserError);
  CHECK_THROWS_AS(validate(Entmax{.alpha = NAN}), base::UserError);
  CHECK_THROWS_AS(validate(LayerNorm{.groups = 0}), base::UserError);
  CHECK_THROWS_AS(validate(LayerNorm{.gain = 0}), base::UserError);
  CHECK_THROWS_AS(validate(LayerNorm{.epsilon = 0}), base::UserError);
  for (const Lagrangian& lagrangian : kAll) CHECK_NOTHROW(validate(lagrangian));
}
