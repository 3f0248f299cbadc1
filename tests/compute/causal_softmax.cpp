#include "ecphory/compute/causal_softmax.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"
#include "differences.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::causal_softmax;
using compute::causal_softmax_backward;

namespace {

constexpr Index kTokens = 19;
constexpr Index kColumns = 3 * kTokens;

}  // namespace

TEST_CASE_TEMPLATE("softmax over the past of every block, and its gradient, in views with strides", Real,
                   float, double) {
  const auto beta = Real{1.75};
  Embedded<Real> s(random<Real>(kTokens, kColumns, 1));
  Embedded<Real> p(random<Real>(kTokens, kColumns, 2));
  causal_softmax(beta, s.view(), p.view());
  Embedded<Real> dp(random<Real>(kTokens, kColumns, 3));
  Embedded<Real> ds(random<Real>(kTokens, kColumns, 4));
  causal_softmax_backward(beta, p.view(), dp.view(), ds.view());
  // Exponents of size 10 carry 10 roundings into exp; a sum of up to 19 terms some more.
  const double slack = 64 * kEps<Real>;
  for (Index c = 0; c < kColumns; ++c) {
    const Index query = c % kTokens;
    double sum = 0;
    for (Index j = 0; j <= query; ++j) sum += std::exp(1.75 * static_cast<double>(s.matrix()(j, c)));
    double mean = 0;
    double size = 0;
    for (Index j = 0; j <= query; ++j) {
      const double expected = std::exp(1.75 * static_cast<double>(s.matrix()(j, c))) / sum;
      CHECK(std::abs(static_cast<double>(p.matrix()(j, c)) - expected) <= slack * expected);
      mean += expected * static_cast<double>(dp.matrix()(j, c));
      size += expected * std::abs(static_cast<double>(dp.matrix()(j, c)));
    }
    for (Index j = 0; j < kTokens; ++j) {
      if (j > query) {
        CHECK(p.matrix()(j, c) == 0);
        CHECK(ds.matrix()(j, c) == 0);
        continue;
      }
      const double probability = std::exp(1.75 * static_cast<double>(s.matrix()(j, c))) / sum;
      const double d = static_cast<double>(dp.matrix()(j, c));
      CHECK(std::abs(static_cast<double>(ds.matrix()(j, c)) - 1.75 * probability * (d - mean)) <=
            2 * slack * 1.75 * probability * (std::abs(d) + size));
    }
  }
  CHECK(p.surroundings_stayed());
  CHECK(ds.surroundings_stayed());
}

TEST_CASE("the gradient is that of central differences") {
  const auto s = random<double>(kTokens, kColumns, 1);
  const auto weight = random<double>(kTokens, kColumns, 2);
  const auto direction = random<double>(kTokens, kColumns, 3);
  Array<double> p({kTokens, kColumns});
  const auto loss_at = [&](double step) {
    auto moved = s.to(compute::kCpu);
    moved.matrix() += step * direction.matrix();
    causal_softmax(0.8, moved, p);
    return inner(weight.matrix(), p.matrix());
  };
  loss_at(0);
  Array<double> ds({kTokens, kColumns});
  causal_softmax_backward(0.8, p, weight, ds);
  const double slope = inner(ds.matrix(), direction.matrix());
  CHECK(std::abs(derivative(loss_at, std::abs(slope)) - slope) <= 1e-7 * std::abs(slope));
}

TEST_CASE("what is in the future is not read; scores of any size are safe; results may overwrite") {
  auto s = random<double>(4, 8, 1);
  s.matrix() *= 1e5;
  Array<double> p({4, 8});
  causal_softmax(1.0, s, p);
  CHECK(p.matrix().allFinite());
  CHECK((p.matrix().colwise().sum().array() - 1).abs().maxCoeff() <= 4 * kEps<double>);
  CHECK(p.matrix()(0, 0) == 1);
  CHECK(p.matrix()(0, 4) == 1);
  for (Index c = 0; c < 8; ++c)
    for (Index j = c % 4 + 1; j < 4; ++j) s.matrix()(j, c) = NAN;
  causal_softmax(1.0, s, s);
  CHECK(s.matrix() == p.matrix());

  const auto dp = random<double>(4, 8, 2);
  Array<double> ds({4, 8});
  causal_softmax_backward(1.0, p, dp, ds);
  auto d = dp.to(compute::kCpu);
  causal_softmax_backward(1.0, p, d, d);
  CHECK(d.matrix() == ds.matrix());
}

TEST_CASE("what is not square blocks, two shapes, and an infinite or negative beta are bugs") {
  const auto s = random<double>(4, 8, 1);
  const auto uneven = random<double>(4, 7, 1);
  Array<double> p({4, 8});
  Array<double> q({4, 7});
  CHECK_THROWS_AS(causal_softmax(1.0, uneven, q), base::Bug);
  CHECK_THROWS_AS(causal_softmax(1.0, s, q), base::Bug);
  CHECK_THROWS_AS(causal_softmax(-1.0, s, p), base::Bug);
  CHECK_THROWS_AS(causal_softmax(static_cast<double>(INFINITY), s, p), base::Bug);
  CHECK_THROWS_AS(causal_softmax_backward(1.0, s, uneven, p), base::Bug);
  CHECK_THROWS_AS(causal_softmax_backward(1.0, s, s, q), base::Bug);
  CHECK_THROWS_AS(causal_softmax_backward(1.0, uneven, uneven, q), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  for (const Index tokens : {Index{1}, Index{19}, kManyRows}) {
    CAPTURE(tokens);
    const Index columns = 3 * tokens;
    Embedded<Real> s(random<Real>(tokens, columns, 1));
    Embedded<Real> d(random<Real>(tokens, columns, 2));
    auto s_there = s.to(*device);
    causal_softmax<Real>(Real(1.75), s.view(), s.view());
    causal_softmax<Real>(Real(1.75), s_there.view(), s_there.view());
    // Equal exponentials, summed in two orders; so are the gradient's means, from equal probabilities.
    const double slack = 2 * (static_cast<double>(tokens) + 4) * kEps<Real>;
    auto p = s_there.to(compute::kCpu);
    CHECK(within(p.matrix(), s.matrix(), slack * s.matrix().template cast<double>()));
    CHECK(p.surroundings_stayed());

    auto p_there = s.to(*device);
    auto d_there = d.to(*device);
    const Eigen::ArrayXXd probability = s.matrix().template cast<double>();
    const Eigen::ArrayXXd in = d.matrix().template cast<double>().cwiseAbs();
    const Eigen::RowVectorXd mean = (probability * in).colwise().sum();
    causal_softmax_backward<Real>(Real(1.75), s.view(), d.view(), d.view());
    causal_softmax_backward<Real>(Real(1.75), p_there.view(), d_there.view(), d_there.view());
    auto back = d_there.to(compute::kCpu);
    CHECK(within(back.matrix(), d.matrix(),
                 slack * 1.75 * probability * (in + mean.replicate(tokens, 1).array())));
    CHECK(back.surroundings_stayed());
  }
}
