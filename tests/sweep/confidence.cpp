#include "ecphory/sweep/confidence.hpp"

#include <atomic>
#include <cmath>
#include <csignal>

#include <doctest/doctest.h>

#include "sweep/toy.hpp"
#include "temporary_folder.hpp"

using namespace ecphory;
using tests::number;

namespace {

/// A normal of standard deviation n.
store::Dataset draw(const base::Point& point, const sweep::RunContext& context) {
  std::vector<double> x(1);
  base::RandomStream(context.key, base::Purpose("toy")).normals(0, std::span(x));
  return {.arrays = {number("x", static_cast<double>(tests::n_of(point)) * x[0])}};
}

const sweep::StopRule kRule{.result = "x", .width = 1.5, .least = 4};

/// Replicates that were done of each point.
std::vector<std::size_t> done(const sweep::Plan& plan, const store::Dataset& result) {
  const auto& status = tests::values<std::uint8_t>(result, "status");
  std::vector<std::size_t> counts;
  for (std::size_t i = 0; i < plan.points; ++i) {
    const auto first = status.begin() + static_cast<std::ptrdiff_t>(i * plan.replicate_count());
    const auto last = first + static_cast<std::ptrdiff_t>(plan.replicate_count());
    counts.push_back(static_cast<std::size_t>(std::count(first, last, 1)));
    CHECK(std::is_partitioned(first, last, [](std::uint8_t s) { return s == 1; }));
    CHECK(static_cast<std::size_t>(std::count(first, last, 3)) == plan.replicate_count() - counts.back());
  }
  return counts;
}

}  // namespace

TEST_CASE("the interval of a mean is Student's") {
  CHECK(std::isinf(sweep::width_of_mean({})));
  CHECK(std::isinf(sweep::width_of_mean({1.0})));
  // t(0.975; 4) = 2.776445, s = √2.5, n = 5
  CHECK(sweep::width_of_mean({1, 2, 3, 4, 5}) == doctest::Approx(2 * 2.776445105 * std::sqrt(2.5 / 5)));
  CHECK(sweep::width_of_mean({3, 3, 3}) == 0);
}

TEST_CASE("replicates are enough as soon as, in their order, the interval is narrow") {
  using Results = std::vector<std::optional<double>>;
  CHECK_FALSE(sweep::enough(kRule, Results{1, 1, 1}));
  CHECK(sweep::enough(kRule, Results{1, 1, 1, 1}));
  CHECK_FALSE(sweep::enough(kRule, Results{1, 1, 1, 1, 100}));
  CHECK_FALSE(sweep::enough(kRule, Results{1, 100, 1, 1, 1}));
  CHECK(sweep::enough(kRule, Results{1, std::nullopt, std::nan(""), 1}));
}

TEST_CASE("a point has as many replicates as its spread asks for, on any threads, in any parts, resumed") {
  const sweep::Plan plan = tests::plan_of({1, 2, 4}, draw, 200, kRule);
  const tests::TemporaryFolder folder;
  const store::Dataset reference = tests::swept(plan, folder.path() / "one", {.threads = 1});
  const std::vector<std::size_t> counts = done(plan, reference);
  CHECK(counts[0] >= 4);
  CHECK(counts[1] > counts[0]);
  CHECK(counts[2] > counts[1]);
  CHECK(counts[2] < 200);
  CHECK(tests::same_bits(reference, tests::swept(plan, folder.path() / "two", {.threads = 2})));

  for (std::size_t i = 1; i <= 3; ++i) tests::run_part(plan, folder.path() / "parts", {i, 3});
  CHECK(tests::same_bits(reference, tests::collected(plan, folder.path() / "parts")));

  std::atomic<int> left = 30;
  base::CancellationToken cancel;
  const auto interrupted = [&](const base::Point& point, const sweep::RunContext& context) {
    if (--left == 0) cancel.request(SIGTERM);
    return draw(point, context);
  };
  tests::run_part(tests::plan_of({1, 2, 4}, interrupted, 200, kRule), folder.path() / "resumed", {},
                  {.threads = 1, .cancel = &cancel});
  const sweep::Ledger half = sweep::survey(sweep::read_plan(folder.path() / "resumed"), sweep::Look::closely);
  CHECK(half.count(sweep::RunStatus::done) == 30);
  CHECK(tests::same_bits(reference, tests::swept(plan, folder.path() / "resumed")));
}

TEST_CASE("a rule that looks at nothing is refused") {
  const tests::TemporaryFolder folder;
  const sweep::StopRule rule{.result = "y", .width = 1, .least = 2};
  CHECK_THROWS_AS(tests::swept(tests::plan_of({1}, draw, 10, rule), folder.path() / "x"), base::UserError);
}
