#include "ecphory/compute/layer_norm.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"
#include "differences.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::layer_norm;
using compute::layer_norm_backward;

namespace {

constexpr Index kRows = 19;
constexpr Index kColumns = 6;
constexpr double kEpsilon = 0.0625;  // exact in float, and large enough to matter

struct Moments {
  double mean = 0;
  double inverse = 0;
};
template <class Column>
Moments moments(const Column& x) {
  const Eigen::VectorXd in_double = x.template cast<double>();
  const double mean = in_double.mean();
  return {mean, 1 / std::sqrt((in_double.array() - mean).square().mean() + kEpsilon)};
}

}  // namespace

TEST_CASE_TEMPLATE("columns to mean 0 and variance 1, then gain and shift, and back, in views with strides",
                   Real, float, double) {
  Embedded<Real> x(random<Real>(kRows, kColumns, 1));
  x.matrix().array() += Real{0.5};
  Embedded<Real> gain(random<Real>(kRows, 1, 2));
  Embedded<Real> shift(random<Real>(kRows, 1, 3));
  Embedded<Real> y(random<Real>(kRows, kColumns, 4));
  Embedded<Real> statistics(random<Real>(2, kColumns, 5));
  layer_norm<Real>(Real{kEpsilon}, x.view(), gain.view(), shift.view(), y.view(), statistics.view());
  Embedded<Real> dy(random<Real>(kRows, kColumns, 6));
  Embedded<Real> dx(random<Real>(kRows, kColumns, 7));
  const auto dgain_before = random<Real>(kRows, 1, 8);
  const auto dshift_before = random<Real>(kRows, 1, 9);
  Embedded<Real> dgain(dgain_before);
  Embedded<Real> dshift(dshift_before);
  layer_norm_backward<Real>(x.view(), gain.view(), statistics.view(), dy.view(), dx.view(), dgain.view(),
                            dshift.view());

  Eigen::VectorXd of_gain = dgain_before.matrix().template cast<double>();
  Eigen::VectorXd of_shift = dshift_before.matrix().template cast<double>();
  const Eigen::VectorXd g = gain.matrix().template cast<double>();
  // A mean of 19 carries up to 19 roundings of its terms, and is taken from numbers of size 3.
  const double slack = (kRows + 8) * kEps<Real>;
  for (Index j = 0; j < kColumns; ++j) {
    const auto m = moments(x.matrix().col(j));
    const Eigen::VectorXd in = dy.matrix().col(j).template cast<double>();
    const Eigen::VectorXd normal = (x.matrix().col(j).template cast<double>().array() - m.mean) * m.inverse;
    CHECK(std::abs(static_cast<double>(statistics.matrix()(0, j)) - m.mean) <= slack);
    CHECK(std::abs(static_cast<double>(statistics.matrix()(1, j)) - m.inverse) <= slack * m.inverse);
    const Eigen::VectorXd dn = g.cwiseProduct(in);
    const double mean = dn.mean();
    const double overlap = dn.dot(normal) / kRows;
    for (Index i = 0; i < kRows; ++i) {
      const double expected = g(i) * normal(i) + static_cast<double>(shift.matrix()(i, 0));
      CHECK(std::abs(static_cast<double>(y.matrix()(i, j)) - expected) <=
            slack * (std::abs(g(i)) * (1 + std::abs(normal(i))) + std::abs(expected)));
      const double gradient = m.inverse * (dn(i) - mean - normal(i) * overlap);
      const double size = std::abs(dn(i)) + dn.cwiseAbs().mean() * (1 + 3 * (1 + std::abs(normal(i))));
      CHECK(std::abs(static_cast<double>(dx.matrix()(i, j)) - gradient) <= slack * m.inverse * size);
    }
    of_gain += in.cwiseProduct(normal);
    of_shift += in;
  }
  // Sums of seven numbers of size 3 · 3.
  CHECK((dgain.matrix().template cast<double>() - of_gain).cwiseAbs().maxCoeff() <= 9 * slack);
  CHECK((dshift.matrix().template cast<double>() - of_shift).cwiseAbs().maxCoeff() <= 9 * slack);
  for (Embedded<Real>* written : {&y, &statistics, &dx, &dgain, &dshift})
    CHECK(written->surroundings_stayed());
}

TEST_CASE("the gradients of x, gain and shift are those of central differences") {
  const auto weight = random<double>(kRows, kColumns, 1);
  const auto x = random<double>(kRows, kColumns, 2);
  const auto gain = random<double>(kRows, 1, 3);
  const auto shift = random<double>(kRows, 1, 4);
  const auto of_x = random<double>(kRows, kColumns, 5);
  const auto of_gain = random<double>(kRows, 1, 6);
  const auto of_shift = random<double>(kRows, 1, 7);
  Array<double> y({kRows, kColumns});
  Array<double> statistics({2, kColumns});
  Array<double> dx({kRows, kColumns});
  Array<double> dgain({kRows, 1});
  Array<double> dshift({kRows, 1});
  dgain.matrix().setZero();
  dshift.matrix().setZero();
  layer_norm<double>(kEpsilon, x, gain, shift, y, statistics);
  layer_norm_backward<double>(x, gain, statistics, weight, dx, dgain, dshift);
  const std::array slopes = {inner(dx.matrix(), of_x.matrix()), inner(dgain.matrix(), of_gain.matrix()),
                             inner(dshift.matrix(), of_shift.matrix())};
  for (std::size_t which = 0; which < 3; ++which) {
    const auto loss_at = [&](double step) {
      const auto moved = [&](const Array<double>& from, const Array<double>& direction,
                             std::size_t which_one) {
        auto to = from.to(compute::kCpu);
        if (which == which_one) to.matrix() += step * direction.matrix();
        return to;
      };
      layer_norm<double>(kEpsilon, moved(x, of_x, 0), moved(gain, of_gain, 1), moved(shift, of_shift, 2), y,
                         statistics);
      return inner(weight.matrix(), y.matrix());
    };
    CAPTURE(which);
    CHECK(std::abs(derivative(loss_at, std::abs(slopes[which])) - slopes[which]) <=
          1e-7 * std::abs(slopes[which]));
  }
}

TEST_CASE("a large mean costs no digits of the deviation; equal elements give the shift") {
  auto x = random<float>(kRows, kColumns, 1);
  x.matrix().array() += 1000;
  x.matrix().col(3).setConstant(7);
  Array<float> gain({kRows, 1});
  gain.matrix().setOnes();
  const auto shift = random<float>(kRows, 1, 2);
  Array<float> y({kRows, kColumns});
  Array<float> statistics({2, kColumns});
  layer_norm<float>(static_cast<float>(kEpsilon), x, gain, shift, y, statistics);
  for (Index j = 0; j < kColumns; ++j) {
    const double inverse = moments(x.matrix().col(j)).inverse;
    CHECK(std::abs(static_cast<double>(statistics.matrix()(1, j)) - inverse) <=
          (kRows + 8) * kEps<float> * inverse);
  }
  CHECK(y.matrix().col(3) == shift.matrix());
}

TEST_CASE("results may overwrite what they are made of") {
  auto x = random<double>(kRows, kColumns, 1);
  const auto gain = random<double>(kRows, 1, 2);
  const auto shift = random<double>(kRows, 1, 3);
  auto dy = random<double>(kRows, kColumns, 4);
  Array<double> y({kRows, kColumns});
  Array<double> dx({kRows, kColumns});
  Array<double> statistics({2, kColumns});
  Array<double> sums({kRows, 2});
  const View<double> dgain = View<double>(sums).middle_columns(0, 1);
  const View<double> dshift = View<double>(sums).middle_columns(1, 1);
  sums.matrix().setZero();
  layer_norm<double>(1e-5, x, gain, shift, y, statistics);
  layer_norm_backward<double>(x, gain, statistics, dy, dx, dgain, dshift);
  const Eigen::MatrixXd once = sums.matrix();
  sums.matrix().setZero();
  layer_norm_backward<double>(x, gain, statistics, dy, dy, dgain, dshift);
  CHECK(dy.matrix() == dx.matrix());
  CHECK(sums.matrix() == once);
  layer_norm<double>(1e-5, x, gain, shift, x, statistics);
  CHECK(x.matrix() == y.matrix());
}

TEST_CASE("wrong shapes and a negative epsilon are bugs") {
  const auto x = random<double>(4, 3, 1);
  Array<double> y({4, 3});
  Array<double> gain({4, 1});
  Array<double> statistics({2, 3});
  Array<double> wide({4, 4});
  Array<double> tall({5, 3});
  gain.matrix().setOnes();
  CHECK_NOTHROW(layer_norm<double>(1e-5, x, gain, gain, y, statistics));
  CHECK_NOTHROW(layer_norm_backward<double>(x, gain, statistics, x, y, gain, gain));
  CHECK_THROWS_AS(layer_norm<double>(-1e-5, x, gain, gain, y, statistics), base::Bug);
  for (Array<double>* wrong : {&wide, &tall}) {
    CHECK_THROWS_AS(layer_norm<double>(1e-5, x, *wrong, gain, y, statistics), base::Bug);
    CHECK_THROWS_AS(layer_norm<double>(1e-5, x, gain, *wrong, y, statistics), base::Bug);
    CHECK_THROWS_AS(layer_norm<double>(1e-5, x, gain, gain, *wrong, statistics), base::Bug);
    CHECK_THROWS_AS(layer_norm<double>(1e-5, x, gain, gain, y, *wrong), base::Bug);
    CHECK_THROWS_AS(layer_norm_backward<double>(x, *wrong, statistics, x, y, gain, gain), base::Bug);
    CHECK_THROWS_AS(layer_norm_backward<double>(x, gain, *wrong, x, y, gain, gain), base::Bug);
    CHECK_THROWS_AS(layer_norm_backward<double>(x, gain, statistics, *wrong, y, gain, gain), base::Bug);
    CHECK_THROWS_AS(layer_norm_backward<double>(x, gain, statistics, x, *wrong, gain, gain), base::Bug);
    CHECK_THROWS_AS(layer_norm_backward<double>(x, gain, statistics, x, y, *wrong, gain), base::Bug);
    CHECK_THROWS_AS(layer_norm_backward<double>(x, gain, statistics, x, y, gain, *wrong), base::Bug);
  }
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  Embedded<Real> x(random<Real>(kManyRows, kManyColumns, 1));
  Embedded<Real> gain(random<Real>(kManyRows, 1, 2));
  Embedded<Real> shift(random<Real>(kManyRows, 1, 3));
  Embedded<Real> y(random<Real>(kManyRows, kManyColumns, 4));
  Embedded<Real> statistics(random<Real>(2, kManyColumns, 5));
  auto x_there = x.to(*device);
  auto gain_there = gain.to(*device);
  auto y_there = y.to(*device);
  auto statistics_there = statistics.to(*device);
  layer_norm<Real>(Real{kEpsilon}, x.view(), gain.view(), shift.view(), y.view(), statistics.view());
  layer_norm<Real>(Real{kEpsilon}, x_there.view(), gain_there.view(), shift.to(*device).view(),
                   y_there.view(), statistics_there.view());
  // Two means of 301 numbers of size 1, in two orders, whose errors x̂ carries.
  const double slack = 2 * (kManyRows + 8) * kEps<Real>;
  const Eigen::ArrayXXd g = gain.matrix().template cast<double>().cwiseAbs().replicate(1, kManyColumns);
  const Eigen::RowVectorXd mean = statistics.matrix().row(0).template cast<double>();
  const Eigen::RowVectorXd inverse = statistics.matrix().row(1).template cast<double>();
  const Eigen::ArrayXXd r = inverse.replicate(kManyRows, 1);
  const Eigen::ArrayXXd normal =
      (x.matrix().template cast<double>() - mean.replicate(kManyRows, 1)).array() * r;
  auto y_back = y_there.to(compute::kCpu);
  auto statistics_back = statistics_there.to(compute::kCpu);
  CHECK(within(statistics_back.matrix(), statistics.matrix(),
               Eigen::ArrayXXd::Constant(2, kManyColumns, slack)));
  const Eigen::ArrayXXd of_shift =
      shift.matrix().template cast<double>().cwiseAbs().replicate(1, kManyColumns);
  CHECK(within(y_back.matrix(), y.matrix(), slack * (g * (1 + normal.abs()) + of_shift)));
  CHECK(y_back.surroundings_stayed());
  CHECK(statistics_back.surroundings_stayed());

  Embedded<Real> d(random<Real>(kManyRows, kManyColumns, 6));
  Embedded<Real> dgain(random<Real>(kManyRows, 1, 7));
  Embedded<Real> dshift(random<Real>(kManyRows, 1, 8));
  auto d_there = d.to(*device);
  auto dgain_there = dgain.to(*device);
  auto dshift_there = dshift.to(*device);
  auto equal_statistics_there = statistics.to(*device);
  const Eigen::ArrayXXd in = d.matrix().template cast<double>().cwiseAbs();
  const Eigen::RowVectorXd mean_g = (g * in).colwise().mean();
  const Eigen::RowVectorXd overlap = (g * in * normal.abs()).colwise().mean();
  // Sums of 75 numbers, and a number that was there.
  const Eigen::ArrayXXd dgain_size = (in * normal.abs()).rowwise().sum() + 4;
  const Eigen::ArrayXXd dshift_size = in.rowwise().sum() + 4;
  layer_norm_backward<Real>(x.view(), gain.view(), statistics.view(), d.view(), d.view(), dgain.view(),
                            dshift.view());
  layer_norm_backward<Real>(x_there.view(), gain_there.view(), equal_statistics_there.view(), d_there.view(),
                            d_there.view(), dgain_there.view(), dshift_there.view());
  auto d_back = d_there.to(compute::kCpu);
  auto dgain_back = dgain_there.to(compute::kCpu);
  auto dshift_back = dshift_there.to(compute::kCpu);
  CHECK(within(d_back.matrix(), d.matrix(),
               slack * r *
                   (g * in + mean_g.replicate(kManyRows, 1).array() +
                    normal.abs() * overlap.replicate(kManyRows, 1).array())));
  const double of_sums = 2 * (kManyColumns + 4) * kEps<Real>;
  CHECK(within(dgain_back.matrix(), dgain.matrix(), of_sums * dgain_size));
  CHECK(within(dshift_back.matrix(), dshift.matrix(), of_sums * dshift_size));
  for (Embedded<Real>* written : {&d_back, &dgain_back, &dshift_back}) CHECK(written->surroundings_stayed());
}
