// Burns, Fukai & Earls (2024), arXiv 2412.15113: the accuracy of the associative-memory model over a, dot
// product, K = 512, D = 100, L = 20, ε = 0.1, 1000 trials.

#include "ecphory/models/amicl.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <doctest/doctest.h>

using namespace ecphory;

namespace {

double accuracy(double a, const tasks::InContextSequenceParameters& task, std::uint64_t seed) {
  const auto outcomes = models::amicl_trials<float>({.a = a}, task, {.seed = seed}, 1000);
  return static_cast<double>(std::ranges::count_if(outcomes, &models::AmiclOutcome::correct)) / 1000;
}

/// Four binomial standard errors of 1000 trials. A published
/// 1.000 is known to a trial or two only, so its own error is taken at 0.999.
double slack(double p) {
  const double q = std::min(p, 0.999);
  return 4 * std::sqrt(q * (1 - q) / 1000);
}

}  // namespace

TEST_CASE("the published table") {
  const tasks::InContextSequenceParameters task{.classes = 512, .length = 20, .dimension = 100, .noise = 0.1};
  for (const auto& [a, published] :
       {std::pair{1.0, 0.325}, {1.25, 0.907}, {1.5, 0.994}, {1.75, 1.0}, {2.0, 1.0}}) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      CAPTURE(a);
      CHECK(std::abs(accuracy(a, task, seed) - published) <= slack(published));
    }
  }
}

TEST_CASE("at a = 1 three keys tie, whatever the classes, the dimension and the length") {
  for (const std::int64_t classes : {512, 1024}) {
    for (const std::int64_t dimension : {100, 1000}) {
      for (const std::int64_t length : {20, 100}) {
        CAPTURE(classes);
        CAPTURE(dimension);
        CAPTURE(length);
        const tasks::InContextSequenceParameters task{
            .classes = classes, .length = length, .dimension = dimension, .noise = 0.1};
        CHECK(std::abs(accuracy(1.0, task, 1) - 0.325) <= slack(0.325));
      }
    }
  }
}
