#include "ecphory/compute/cross_entropy.hpp"

#include <cmath>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"
#include "differences.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::cross_entropy;
using compute::cross_entropy_backward;

namespace {

constexpr Index kLabels = 13;
const std::vector<std::int32_t> numbers = {0, 12, 5, 5, 7};
const std::span<const std::int32_t> labels = numbers;

}  // namespace

TEST_CASE_TEMPLATE("minus log softmax at the label, and its gradient, in views with strides", Real, float,
                   double) {
  Embedded<Real> logits(random<Real>(kLabels, 5, 1));
  Embedded<Real> losses(random<Real>(1, 5, 2));
  Embedded<Real> d(random<Real>(kLabels, 5, 3));
  cross_entropy<Real>(logits.view(), labels, losses.view());
  cross_entropy_backward<Real>(Real{0.3125}, logits.view(), labels, d.view());
  const auto scale = static_cast<double>(Real{0.3125});
  for (Index j = 0; j < 5; ++j) {
    const auto label = labels[static_cast<std::size_t>(j)];
    double sum = 0;
    for (Index i = 0; i < kLabels; ++i) sum += std::exp(static_cast<double>(logits.matrix()(i, j)));
    // log-sum-exp and the logit are of size 5 at most, with some tens of roundings of a sum of 13.
    const double expected = std::log(sum) - static_cast<double>(logits.matrix()(label, j));
    CHECK(std::abs(static_cast<double>(losses.matrix()(0, j)) - expected) <= 32 * kEps<Real>);
    for (Index i = 0; i < kLabels; ++i) {
      const double p = std::exp(static_cast<double>(logits.matrix()(i, j))) / sum;
      CHECK(std::abs(static_cast<double>(d.matrix()(i, j)) - scale * (p - (i == label ? 1 : 0))) <=
            32 * kEps<Real> * scale * (p + (i == label ? 1 : 0)));
    }
  }
  CHECK(losses.surroundings_stayed());
  CHECK(d.surroundings_stayed());
}

TEST_CASE("the gradient is that of central differences") {
  const auto logits = random<double>(kLabels, 5, 1);
  const auto direction = random<double>(kLabels, 5, 2);
  Array<double> losses({1, 5});
  const auto loss_at = [&](double step) {
    auto moved = logits.to(compute::kCpu);
    moved.matrix() += step * direction.matrix();
    cross_entropy<double>(moved, labels, losses);
    return 0.2 * losses.matrix().sum();
  };
  Array<double> d({kLabels, 5});
  cross_entropy_backward(0.2, logits, labels, d);
  const double slope = inner(d.matrix(), direction.matrix());
  CHECK(std::abs(derivative(loss_at, std::abs(slope)) - slope) <= 1e-7 * std::abs(slope));
}

TEST_CASE("equal logits cost log n; logits of any size are safe; the gradient may overwrite them") {
  Array<double> logits({kLabels, 5});
  logits.matrix().setConstant(3);
  Array<double> losses({1, 5});
  cross_entropy<double>(logits, labels, losses);
  CHECK((losses.matrix().array() - std::log(13.0)).abs().maxCoeff() <= 8 * kEps<double>);
  logits.matrix().row(5).setConstant(1e5);
  cross_entropy<double>(logits, labels, losses);
  CHECK(losses.matrix()(0, 2) == 0);
  CHECK(losses.matrix()(0, 0) == 1e5 - 3);
  logits = random<double>(kLabels, 5, 1);
  Array<double> d({kLabels, 5});
  cross_entropy_backward(0.2, logits, labels, d);
  cross_entropy_backward(0.2, logits, labels, logits);
  CHECK(logits.matrix() == d.matrix());
}

TEST_CASE("labels that are not there, too few of them and wrong shapes are bugs") {
  const auto logits = random<double>(kLabels, 5, 1);
  Array<double> losses({1, 5});
  Array<double> d({kLabels, 5});
  Array<double> narrow({kLabels, 4});
  for (const std::vector<std::int32_t>& wrong_numbers :
       {std::vector<std::int32_t>{0, 1, 2, 3}, {0, 1, 2, 3, 13}, {0, 1, 2, 3, -1}}) {
    const std::span<const std::int32_t> wrong = wrong_numbers;
    CHECK_THROWS_AS(cross_entropy<double>(logits, wrong, losses), base::Bug);
    CHECK_THROWS_AS(cross_entropy_backward(1.0, logits, wrong, d), base::Bug);
  }
  CHECK_THROWS_AS(cross_entropy<double>(logits, labels, d), base::Bug);
  CHECK_THROWS_AS(cross_entropy_backward(1.0, logits, labels, narrow), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  Array<std::int32_t> answers({1, kManyColumns});
  for (Index j = 0; j < kManyColumns; ++j)
    answers.matrix()(0, j) = static_cast<std::int32_t>(j * j % kManyRows);
  auto answers_there = answers.to(*device);
  Embedded<Real> logits(random<Real>(kManyRows, kManyColumns, 1));
  Embedded<Real> losses(random<Real>(1, kManyColumns, 2));
  auto logits_there = logits.to(*device);
  auto losses_there = losses.to(*device);
  cross_entropy<Real>(logits.view(), answers, losses.view());
  cross_entropy<Real>(logits_there.view(), answers_there, losses_there.view());
  // Two sums of 301 exponentials, in two orders; logarithms and logits of size 8, two roundings each.
  const double slack = (2 * kManyRows + 32) * kEps<Real>;
  CHECK(within(losses_there.to(compute::kCpu).matrix(), losses.matrix(),
               Eigen::ArrayXXd::Constant(1, kManyColumns, slack)));
  cross_entropy_backward<Real>(Real(0.3), logits.view(), answers, logits.view());
  cross_entropy_backward<Real>(Real(0.3), logits_there.view(), answers_there, logits_there.view());
  auto back = logits_there.to(compute::kCpu);
  Eigen::ArrayXXd size = logits.matrix().template cast<double>().cwiseAbs();
  for (Index j = 0; j < kManyColumns; ++j) size(answers.matrix()(0, j), j) += 0.3;
  CHECK(within(back.matrix(), logits.matrix(), slack * size));
  CHECK(back.surroundings_stayed());

  // Nobody looks at the labels there: one that is not there makes its loss NaN.
  answers.matrix()(0, 3) = -1;
  answers.matrix()(0, 4) = kManyRows;
  answers_there = answers.to(*device);
  cross_entropy<Real>(logits_there.view(), answers_there, losses_there.view());
  CHECK(losses_there.to(compute::kCpu).matrix().array().isNaN().count() == 2);
}
