#include "ecphory/training/progress.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "compute/gpu.hpp"

using namespace ecphory;
using compute::Array;
using training::count_step;
using training::Progress;

namespace {

/// Three runs after three steps: one is well, one has two losses that are not finite, one begins with such.
struct Counted {
  explicit Counted(compute::Device device) : step({1, 3}), progress({1, 3}) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    for (compute::Index r = 0; r < 3; ++r) {
      step.data()[r] = static_cast<std::uint64_t>(10 * r);
      progress.data()[r] = {};
    }
    progress.data()[0] = {.loss_sum = 4, .loss_count = 2};
    step = step.to(device);
    progress = progress.to(device);
    for (const auto& of_step : {std::array{0.5, 1.0, std::nan("")}, std::array{0.25, -kInfinity, 1.0},
                                std::array{0.125, std::nan(""), kInfinity}}) {
      Array<double> losses({1, 3});
      std::ranges::copy(of_step, losses.data());
      const Array<double> there = losses.to(device);
      count_step(there, step, progress);
    }
    step = step.to(compute::kCpu);
    progress = progress.to(compute::kCpu);
  }

  Array<std::uint64_t> step;
  Array<Progress> progress;
};

void check(const Counted& counted) {
  const Progress* const p = counted.progress.data();
  CHECK((counted.step.data()[0] == 3 && counted.step.data()[1] == 13 && counted.step.data()[2] == 23));
  CHECK((p[0].loss_sum == 4.875 && p[0].loss_count == 5 && p[0].bad_step == Progress::kNone));
  CHECK((p[1].loss_count == 3 && p[1].bad_step == 11));
  CHECK(p[1].bad_loss == -std::numeric_limits<double>::infinity());
  CHECK((p[2].bad_step == 20 && std::isnan(p[2].bad_loss)));
}

}  // namespace

TEST_CASE("losses are summed and steps counted; the first loss that is not finite is remembered") {
  check(Counted(compute::kCpu));
}

TEST_CASE("the GPU gives the CPU's numbers") {
  const auto device = tests::gpu();
  if (device) check(Counted(*device));
}

TEST_CASE("numbers of runs that do not agree are a bug") {
  Array<std::uint64_t> step({1, 2});
  Array<Progress> progress({1, 2});
  const Array<double> losses({1, 3});
  CHECK_THROWS_AS(count_step(losses, step, progress), base::Bug);
}
