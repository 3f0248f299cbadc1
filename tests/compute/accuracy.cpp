#include "ecphory/compute/accuracy.hpp"

#include <limits>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::is_correct;

TEST_CASE_TEMPLATE("correct is the first of the largest logits, and never a column with NaN", Real, float,
                   double) {
  constexpr Real kNan = std::numeric_limits<Real>::quiet_NaN();
  Embedded<Real> logits(random<Real>(3, 7, 1));
  logits.matrix() << 1, 1, 5, 5, kNan, 1, 2,  //
      2, 2, 5, 5, 2, 9, kNan,                 //
      3, 3, 1, 1, 1, 9, 1;
  const std::vector<std::int32_t> labels = {2, 1, 0, 1, 1, 3, 0};
  Embedded<Real> correct(random<Real>(1, 7, 2));
  is_correct<Real>(logits.view(), std::span<const std::int32_t>(labels), correct.view());
  Eigen::MatrixX<Real> expected(1, 7);
  expected << 1, 0, 1, 0, 0, 0, 0;
  CHECK(correct.matrix() == expected);
  CHECK(correct.surroundings_stayed());
}

TEST_CASE("wrong shapes are bugs") {
  const auto logits = random<double>(3, 4, 1);
  const std::vector<std::int32_t> labels(4);
  Array<double> correct({1, 4});
  Array<double> tall({2, 4});
  Array<double> wide({1, 5});
  CHECK_NOTHROW(is_correct<double>(logits, std::span<const std::int32_t>(labels), correct));
  CHECK_THROWS_AS(is_correct<double>(logits, std::span<const std::int32_t>(labels).first(3), correct),
                  base::Bug);
  CHECK_THROWS_AS(is_correct<double>(logits, std::span<const std::int32_t>(labels), tall), base::Bug);
  CHECK_THROWS_AS(is_correct<double>(logits, std::span<const std::int32_t>(labels), wide), base::Bug);
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = gpu();
  if (!device) return;
  Embedded<Real> logits(random<Real>(7, kManyRows, 1));
  Array<std::int32_t> labels({1, kManyRows});
  for (Index j = 0; j < kManyRows; ++j) labels.data()[j] = static_cast<std::int32_t>(j % 8);  // 7 is none
  Array<Real> here({1, kManyRows});
  Array<Real> there({1, kManyRows}, *device);
  const auto labels_there = labels.to(*device);
  is_correct<Real>(logits.view(), labels, here);
  is_correct<Real>(logits.to(*device).view(), labels_there, there);
  CHECK(there.to(compute::kCpu).matrix() == here.matrix());
  CHECK((here.matrix().sum() > 0 && here.matrix().sum() < kManyRows));
}
