#include "ecphory/compute/entmax.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include <doctest/doctest.h>
#include <omp.h>

#include "ecphory/base/random.hpp"
#include "ecphory/compute/softmax.hpp"

using namespace ecphory;
using compute::Array;
using compute::Index;
using Eigen::ArrayXd;
using Eigen::VectorXd;

namespace {

const std::vector<double> kAlphas = {1.01, 1.25, 1.5, 1.75, 2, 3, 6};

template <class Real>
Array<Real> random(Index rows, Index columns, std::uint32_t step = 0) {
  Array<Real> x({rows, columns});
  base::RandomStream({.seed = 1}, base::Purpose("entmax"), step).normals(0, x.elements());
  return x;
}

template <class Real>
Array<Real> entmax_of(Real beta, double alpha, const Array<Real>& x) {
  Array<Real> p(x.shape());
  compute::entmax(beta, alpha, x, p);
  return p;
}

/// p·z + H(p), the objective that entmax maximises.
double objective(double alpha, const ArrayXd& z, const ArrayXd& p) {
  return (p * z).sum() + (p - p.pow(alpha)).sum() / (alpha * (alpha - 1));
}

/// p is a probability vector, and one τ has pᵢ = [(α − 1) zᵢ − τ]₊^(1/(α−1)): τ is read off the largest
/// element and has to explain all others. In powers p^(α−1), where rounding is not magnified.
template <class Real>
void check_optimal(double beta, double alpha, const Array<Real>& x, const Array<Real>& p) {
  const double epsilon = static_cast<double>(std::numeric_limits<Real>::epsilon());
  for (Index j = 0; j < x.columns(); ++j) {
    const ArrayXd pj = p.matrix().col(j).template cast<double>().array();
    const ArrayXd y = (alpha - 1) * beta * x.matrix().col(j).template cast<double>().array();
    CHECK(pj.minCoeff() >= 0);
    // Two sums of up to 1000 terms, whose roundings mostly cancel.
    CHECK(std::abs(pj.sum() - 1) < 64 * epsilon);
    const ArrayXd powers = pj.pow(alpha - 1);
    Index top = 0;
    y.maxCoeff(&top);
    const ArrayXd expected = (powers[top] + y - y[top]).max(0.0);
    const double scale = 1 + (y - y[top]).abs().minCoeff();
    CHECK((powers - expected).abs().maxCoeff() < 8 * std::max(1.0, alpha - 1) * epsilon * scale);
    // Off the support exactly where the score lies more than the threshold below the largest.
    for (Index i = 0; i < y.size(); ++i) {
      if (powers[top] + y[i] - y[top] < -8 * epsilon) CHECK(pj[i] == 0);
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("entmax meets the conditions of its maximum, for every alpha and size", Real, float,
                   double) {
  for (const double alpha : kAlphas) {
    for (const Index n : {1, 2, 3, 10, 31, 32, 33, 100, 1000}) {
      for (const double beta : {0.01, 0.5, 4.0}) {
        CAPTURE(alpha);
        CAPTURE(n);
        CAPTURE(beta);
        const auto x = random<Real>(n, 3, static_cast<std::uint32_t>(n));
        const auto real_beta = static_cast<Real>(beta);
        check_optimal(static_cast<double>(real_beta), alpha, x, entmax_of(real_beta, alpha, x));
      }
    }
  }
}

TEST_CASE("sparsemax and 1.5-entmax equal the published algorithms by sorting") {
  // Martins & Astudillo (2016), algorithm 1; Peters, Niculae & Martins (2019), algorithm 2.
  const auto x = random<double>(200, 5);
  for (const double beta : {0.05, 1.0, 6.0}) {
    const auto sparse = entmax_of(beta, 2, x);
    const auto medium = entmax_of(beta, 1.5, x);
    for (Index j = 0; j < 5; ++j) {
      const ArrayXd z = beta * x.matrix().col(j).array();
      ArrayXd sorted = z;
      std::sort(sorted.begin(), sorted.end(), std::greater<>());
      double tau_2 = 0;
      double tau_15 = 0;
      for (Index k = 1; k <= 200; ++k) {
        const ArrayXd head = sorted.head(k);
        const double tau = (head.sum() - 1) / static_cast<double>(k);
        if (tau < head[k - 1]) tau_2 = tau;
        const double mean = head.mean() / 2;
        const double square = (head / 2 - mean).square().sum();
        const double root = mean - std::sqrt((1 - square) / static_cast<double>(k));
        if (root <= head[k - 1] / 2) tau_15 = root;
      }
      CHECK((sparse.matrix().col(j).array() - (z - tau_2).max(0.0)).abs().maxCoeff() < 1e-14);
      CHECK((medium.matrix().col(j).array() - (z / 2 - tau_15).max(0.0).square()).abs().maxCoeff() < 1e-14);
    }
  }
}

TEST_CASE("alpha = 1 is softmax, and alpha near 1 is near it") {
  const auto x = random<double>(50, 4);
  Array<double> expected({50, 4});
  Array<double> l({1, 4});
  Array<double> expected_l({1, 4});
  compute::softmax(3.0, x, expected);
  compute::log_sum_exp(3.0, x, expected_l);
  CHECK(entmax_of(3.0, 1, x).matrix() == expected.matrix());
  compute::entmax_value(3.0, 1, x, l);
  CHECK(l.matrix() == expected_l.matrix());
  for (const double from_1 : {1e-4, 1e-8, 1e-12}) {
    CAPTURE(from_1);
    // d log p / dα at α = 1 is of order z²/2, here below 100; 1 + 1e-12 is itself rounded.
    const auto p = entmax_of(3.0, 1 + from_1, x);
    CHECK((p.matrix().array() / expected.matrix().array() - 1).abs().maxCoeff() < 300 * from_1 + 1e-13);
    compute::entmax_value(3.0, 1 + from_1, x, l);
    CHECK((l.matrix() - expected_l.matrix()).cwiseAbs().maxCoeff() < 100 * from_1 + 1e-14);
  }
}

TEST_CASE_TEMPLATE("one probability is 1 and the others 0, exactly, once the margin is 1/(beta (alpha - 1))",
                   Real, float, double) {
  for (const double alpha : {1.25, 1.5, 2.0, 3.0}) {
    CAPTURE(alpha);
    const Real margin = static_cast<Real>(1 / (2 * (alpha - 1)));
    Array<Real> x({100, 2});
    x.matrix().setConstant(-margin);
    x.matrix()(70, 0) = 0;
    x.matrix()(70, 1) = -margin / 4;
    const auto p = entmax_of(Real{2}, alpha, x);
    for (Index i = 0; i < 100; ++i) CHECK(p.matrix()(i, 0) == (i == 70 ? 1 : 0));
    CHECK(p.matrix()(70, 1) < 1);
    CHECK(p.matrix().col(1).minCoeff() > 0);
    Array<Real> l({1, 2});
    compute::entmax_value(Real{2}, alpha, x, l);
    CHECK(l.matrix()(0, 0) == 0);
  }
}

TEST_CASE_TEMPLATE("equal scores are uniform, ties share, and scores of any size are safe", Real, float,
                   double) {
  constexpr Real kMax = std::numeric_limits<Real>::max();
  const double slack = 4 * static_cast<double>(std::numeric_limits<Real>::epsilon());
  for (const double alpha : {1.01, 1.5, 1.75, 2.0, 3.0, 1000.0}) {
    CAPTURE(alpha);
    for (const Index n : {2, 7, 1000}) {
      Array<Real> x({n, 1});
      x.matrix().setConstant(static_cast<Real>(0.1));
      const auto p = entmax_of(Real{5}, alpha, x);
      const ArrayXd np = p.matrix().template cast<double>().array() * static_cast<double>(n);
      // The sum of n equal terms, in double, may round as often.
      CHECK((np - 1).abs().maxCoeff() < slack + 1e-16 * static_cast<double>(n));
    }
    Array<Real> x({3, 4});
    x.matrix() << kMax, -kMax, Real{-1e4}, 0,  //
        -kMax, -kMax, Real{1e4}, kMax,         //
        kMax, -kMax, Real{1e4}, -kMax;
    const auto p = entmax_of(Real{3}, alpha, x);
    Array<Real> l({1, 4});
    compute::entmax_value(Real{3}, alpha, x, l);
    CHECK(p.matrix()(0, 0) == doctest::Approx(0.5).epsilon(slack));
    CHECK(p.matrix()(1, 0) == 0);
    CHECK(p.matrix()(2, 0) == p.matrix()(0, 0));
    CHECK(p.matrix()(0, 1) == doctest::Approx(1.0 / 3).epsilon(slack));
    CHECK(p.matrix()(0, 2) == 0);
    CHECK(p.matrix()(1, 2) == doctest::Approx(0.5).epsilon(slack));
    CHECK(p.matrix()(1, 3) == 1);
    CHECK(l.matrix().allFinite());
    const double entropy = (1 - std::pow(2, 1 - alpha)) / (alpha * (alpha - 1));  // of (1/2, 1/2)
    CHECK(l.matrix()(0, 2) == doctest::Approx(1e4 + entropy / 3).epsilon(slack));
  }
}

TEST_CASE_TEMPLATE("a score of minus infinity is a key that is not there; NaN spoils its own column only",
                   Real, float, double) {
  for (const double alpha : {1.25, 1.5, 2.0, 3.0}) {
    CAPTURE(alpha);
    Array<Real> x({3, 2});
    x.matrix() << 1, 2,                             //
        -std::numeric_limits<Real>::infinity(), 1,  //
        1, std::numeric_limits<Real>::quiet_NaN();
    Array<Real> l({1, 2});
    compute::entmax_value(Real{5}, alpha, x, l);
    CHECK(std::isfinite(l.matrix()(0, 0)));
    CHECK(std::isnan(l.matrix()(0, 1)));
    Array<Real> u({3, 2});
    u.matrix().setOnes();
    Array<Real> hu({3, 2});
    compute::entmax_hessian_times(Real{5}, alpha, x, u, hu);
    CHECK(hu.matrix().col(0).allFinite());
    CHECK(hu.matrix().col(1).array().isNaN().all());
    compute::entmax(Real{5}, alpha, x, x);
    CHECK(x.matrix()(0, 0) == doctest::Approx(0.5));
    CHECK(x.matrix()(1, 0) == 0);
    CHECK(x.matrix().col(1).array().isNaN().all());
  }
}

TEST_CASE("the value is the maximum: reached at entmax, and above every other probability vector") {
  const double beta = 1.5;
  const auto x = random<double>(20, 6);
  const auto others = random<double>(20, 50, 7);
  for (const double alpha : kAlphas) {
    CAPTURE(alpha);
    const auto p = entmax_of(beta, alpha, x);
    Array<double> l({1, 6});
    compute::entmax_value(beta, alpha, x, l);
    for (Index j = 0; j < 6; ++j) {
      const ArrayXd z = beta * x.matrix().col(j).array();
      // The definition subtracts numbers near 1 and divides by alpha (alpha - 1): eps / 0.01 and some terms.
      CHECK(beta * l.matrix()(0, j) ==
            doctest::Approx(objective(alpha, z, p.matrix().col(j).array())).epsilon(1e-12));
      for (Index k = 0; k < 50; ++k) {
        const ArrayXd q = others.matrix().col(k).array().square();
        CHECK(objective(alpha, z, q / q.sum()) < beta * l.matrix()(0, j));
      }
    }
  }
}

TEST_CASE("the Hessian is the derivative of entmax, and 0 off the support") {
  // Central differences with h = 1e-6 and a third derivative up to some thousands; rounding eps/h.
  constexpr double kH = 1e-6;
  const auto x = random<double>(30, 4);
  const auto u = random<double>(30, 4, 1);
  for (const double alpha : {1.0, 1.25, 1.5, 1.75, 2.0, 2.5}) {
    CAPTURE(alpha);
    Array<double> ahead({30, 4});
    Array<double> behind({30, 4});
    ahead.matrix() = x.matrix() + kH * u.matrix();
    behind.matrix() = x.matrix() - kH * u.matrix();
    const auto p = entmax_of(2.0, alpha, x);
    const auto p_ahead = entmax_of(2.0, alpha, ahead);
    const auto p_behind = entmax_of(2.0, alpha, behind);
    Array<double> hu({30, 4});
    compute::entmax_hessian_times(2.0, alpha, x, u, hu);
    CHECK((hu.matrix() - (p_ahead.matrix() - p_behind.matrix()) / (2 * kH)).cwiseAbs().maxCoeff() < 1e-8);
    CHECK(hu.matrix().colwise().sum().cwiseAbs().maxCoeff() < 1e-14);
    for (Index i = 0; i < hu.size(); ++i) {
      if (p.data()[i] == 0) CHECK(hu.data()[i] == 0);
    }
  }
}

TEST_CASE("beta = 0 is uniform; the result may overwrite the scores") {
  for (const double alpha : kAlphas) {
    auto x = random<double>(5, 2);
    const auto p = entmax_of(2.0, alpha, x);
    compute::entmax(2.0, alpha, x, x);
    CHECK(x.matrix() == p.matrix());
    compute::entmax(0.0, alpha, x, x);
    CHECK((x.matrix().array() - 0.2).abs().maxCoeff() < 1e-16);
  }
}

TEST_CASE("a column's bits depend neither on the threads nor on the columns beside it") {
  const auto x = random<float>(512, 256);
  for (const double alpha : {1.25, 1.5, 2.0}) {
    Array<float> one({512, 256});
    Array<float> two({512, 256});
    Array<float> alone({512, 256});
    const int before = omp_get_max_threads();
    omp_set_num_threads(1);
    compute::entmax(2.0F, alpha, x, one);
    omp_set_num_threads(2);
    compute::entmax(2.0F, alpha, x, two);
    omp_set_num_threads(before);
    for (Index j = 0; j < 256; ++j) {
      compute::entmax(2.0F, alpha, compute::View<const float>(x).middle_columns(j, 1),
                      compute::View<float>(alone).middle_columns(j, 1));
    }
    CHECK(one.matrix() == two.matrix());
    CHECK(one.matrix() == alone.matrix());
  }
}

TEST_CASE("wrong shapes, and a beta or alpha out of its range, are bugs") {
  const auto x = random<double>(4, 3);
  Array<double> narrow({4, 2});
  Array<double> p({4, 3});
  Array<double> l({1, 3});
  const auto infinity = static_cast<double>(INFINITY);
  CHECK_THROWS_AS(compute::entmax(1.0, 2, x, narrow), base::Bug);
  CHECK_THROWS_AS(compute::entmax(-1.0, 2, x, p), base::Bug);
  CHECK_THROWS_AS(compute::entmax(infinity, 2, x, p), base::Bug);
  CHECK_THROWS_AS(compute::entmax(1.0, 0.99, x, p), base::Bug);
  CHECK_THROWS_AS(compute::entmax(1.0, infinity, x, p), base::Bug);
  CHECK_THROWS_AS(compute::entmax_value(0.0, 2, x, l), base::Bug);
  CHECK_THROWS_AS(compute::entmax_value(1.0, 2, x, p), base::Bug);
  CHECK_THROWS_AS(compute::entmax_hessian_times(1.0, 2, x, narrow, p), base::Bug);
}
