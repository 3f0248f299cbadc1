#include "ecphory/sweep/run.hpp"

#include <atomic>
#include <cmath>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

#include "sweep/toy.hpp"
#include "temporary_folder.hpp"

using namespace ecphory;
using sweep::RunStatus;
using tests::n_of;
using tests::plan_of;
using tests::up_to;
using tests::values;

namespace {

/// Draws numbers, squares n, and throws at n = 13.
store::Dataset draw(const base::Point& point, const sweep::RunContext& context) {
  const std::int64_t n = n_of(point);
  if (n == 13) throw std::runtime_error("thirteen");
  std::vector<double> x(6);
  base::RandomStream(context.key, base::Purpose("toy")).normals(0, std::span(x));
  return {.arrays = {
              store::coordinate("time", std::vector<double>{0, 1}, "ms", "time"),
              {.name = "x", .dimensions = {"time", "neuron"}, .shape = {2, 3}, .values = x, .units = "mV"},
              {.name = "square", .dimensions = {}, .shape = {}, .values = std::vector<std::int64_t>{n * n}},
          }};
}

std::vector<RunStatus> status_in(const std::filesystem::path& folder) {
  return sweep::survey(sweep::read_plan(folder), sweep::Look::closely).status;
}

std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

TEST_CASE("results stand at their point of the grid, before their own dimensions") {
  const tests::TemporaryFolder folder;
  const sweep::Plan plan = plan_of({3, 1, 2}, draw, 2);
  const store::Dataset result = tests::swept(plan, folder.path() / "x");
  const auto& x = result.at("x");
  CHECK(x.dimensions == std::vector<std::string>{"n", "replicate", "time", "neuron"});
  CHECK(x.shape == std::vector<std::size_t>{3, 2, 2, 3});
  CHECK(x.units == "mV");
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const store::Dataset alone = draw(plan.point(i), {.key = plan.random_key(i)});
    const auto& expected = values<double>(alone, "x");
    CHECK(std::equal(expected.begin(), expected.end(),
                     values<double>(result, "x").begin() + static_cast<std::ptrdiff_t>(6 * i)));
  }
  CHECK(values<std::int64_t>(result, "square") == std::vector<std::int64_t>{9, 9, 1, 1, 4, 4});
  CHECK(values<std::int64_t>(result, "n") == std::vector<std::int64_t>{3, 1, 2});
  CHECK(result.at("time").is_coordinate());
}

TEST_CASE("the bits do not depend on threads, order, parts, how often is committed, or repetition") {
  const tests::TemporaryFolder folder;
  const sweep::Plan plan = plan_of(up_to(50), draw, 3);
  const store::Dataset reference = tests::swept(plan, folder.path() / "reference", {.threads = 1});
  CHECK(tests::same_bits(reference, tests::swept(plan, folder.path() / "again", {.threads = 1})));
  CHECK(tests::same_bits(reference, tests::swept(plan, folder.path() / "two", {.threads = 2})));
  CHECK(tests::same_bits(reference,
                         tests::swept(plan, folder.path() / "five", {.threads = 5, .commit_every = 0})));
  for (const std::size_t parts : {3UL, 16UL}) {
    const std::filesystem::path here = folder.path() / std::to_string(parts);
    for (std::size_t i = parts; i > 0; --i) tests::run_part(plan, here, {i, parts}, {.threads = 2});
    CHECK(files_in(here) == 1 + parts);
    CHECK(tests::same_bits(reference, tests::collected(plan, here)));
  }
  const std::filesystem::path shuffled = folder.path() / "shuffled";
  const sweep::PlanFile file =
      sweep::open_sweep(shuffled, plan, "", store::attributes_of({.experiment = "toy"}));
  std::vector<std::size_t> order = sweep::runs_of(plan, {});
  std::ranges::sort(order, {}, [](std::size_t i) { return base::mix64(i); });
  sweep::run(plan, order, {}, shuffled, {.threads = 2});
  CHECK(tests::same_bits(reference, tests::collected(plan, shuffled)));
}

TEST_CASE("a point that throws is recorded and stops nothing; a retry of it supersedes it") {
  const tests::TemporaryFolder folder;
  const sweep::Plan plan = plan_of({12, 13, 14}, draw);
  const sweep::Report report = tests::run_part(plan, folder.path() / "x", {}, {.threads = 2});
  CHECK(report.done == 2);
  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures[0].index == 1);
  CHECK(report.failures[0].message == "thirteen");
  const store::Dataset result = tests::collected(plan, folder.path() / "x");
  CHECK(values<std::uint8_t>(result, "status") == std::vector<std::uint8_t>{1, 2, 1});
  CHECK(values<std::string>(result, "message") == std::vector<std::string>{"", "thirteen", ""});
  const auto& x = values<double>(result, "x");
  CHECK(std::all_of(x.begin() + 6, x.begin() + 12, [](double value) { return std::isnan(value); }));
  CHECK(std::none_of(x.begin(), x.begin() + 6, [](double value) { return std::isnan(value); }));

  const auto mended = [](const base::Point& point, const sweep::RunContext& context) {
    return draw({{"n", n_of(point) == 13 ? std::int64_t{0} : n_of(point)}}, context);
  };
  const sweep::Ledger ledger = sweep::survey(sweep::read_plan(folder.path() / "x"), sweep::Look::closely);
  CHECK(ledger.failed() == std::vector<std::size_t>{1});
  sweep::run(plan_of({12, 13, 14}, mended), ledger.failed(), ledger, folder.path() / "x", {.name = "retry"});
  const store::Dataset after = tests::collected(plan, folder.path() / "x");
  CHECK(values<std::uint8_t>(after, "status") == std::vector<std::uint8_t>{1, 1, 1});
  CHECK(after.find("message") == nullptr);
}

TEST_CASE("a point of which a part failed is done, and counts among the failures") {
  const tests::TemporaryFolder folder;
  const auto partly = [](const base::Point& point, const sweep::RunContext&) -> store::Dataset {
    return {.arrays = {{.name = std::string(sweep::kFailedParts),
                        .dimensions = {},
                        .shape = {},
                        .values = std::vector<std::int64_t>{n_of(point)}}}};
  };
  const sweep::Plan plan = plan_of({0, 3}, partly);
  CHECK(tests::run_part(plan, folder.path() / "x").failures.size() == 1);
  const sweep::Ledger ledger = sweep::survey(sweep::read_plan(folder.path() / "x"), sweep::Look::closely);
  CHECK(ledger.status == std::vector<RunStatus>{RunStatus::done, RunStatus::done});
  CHECK(ledger.failed() == std::vector<std::size_t>{1});
  CHECK(ledger.messages.at(1) == "3 failed trajectories");
}

TEST_CASE("a point that takes too long fails, the others do not") {
  const tests::TemporaryFolder folder;
  const auto slow = [](const base::Point& point, const sweep::RunContext& context) -> store::Dataset {
    for (int i = 0; i < 400 * n_of(point); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      context.deadline.check();
    }
    return {};
  };
  const sweep::Report report =
      tests::run_part(plan_of({0, 1, 0 + 2}, slow), folder.path() / "x", {}, {.point_timeout = 0.2});
  CHECK(report.done == 1);
  REQUIRE(report.failures.size() == 2);
  CHECK(report.failures[0].message.starts_with("took longer than 0.2 s"));
}

TEST_CASE("cancelling commits what is done and leaves the rest missing; resuming does what is missing") {
  const tests::TemporaryFolder folder;
  base::CancellationToken cancel;
  std::atomic<int> runs = 0;
  const auto counted = [&](const base::Point& point, const sweep::RunContext& context) {
    if (++runs == 5) cancel.request(SIGTERM);
    return draw(point, context);
  };
  const sweep::Plan plan = plan_of(up_to(20), counted);
  const sweep::Report report =
      tests::run_part(plan, folder.path() / "x", {}, {.threads = 1, .cancel = &cancel});
  CHECK(report.done == 5);
  CHECK(std::ranges::count(status_in(folder.path() / "x"), RunStatus::done) == 5);
  CHECK(std::ranges::count(status_in(folder.path() / "x"), RunStatus::missing) == 15);
  const store::Dataset resumed = tests::swept(plan, folder.path() / "x");
  CHECK(runs == 20);
  CHECK(tests::same_bits(resumed, tests::swept(plan_of(up_to(20), draw), folder.path() / "undisturbed")));
}

TEST_CASE("the first failure ends the sweep where that is asked") {
  const tests::TemporaryFolder folder;
  const sweep::Plan plan = plan_of(up_to(40), draw);
  tests::run_part(plan, folder.path() / "x", {}, {.threads = 1, .fail_fast = true});
  const std::vector<RunStatus> status = status_in(folder.path() / "x");
  CHECK(std::ranges::count(status, RunStatus::done) == 13);
  CHECK(std::ranges::count(status, RunStatus::failed) == 1);
  CHECK(std::ranges::count(status, RunStatus::missing) == 26);
}

TEST_CASE("done points are committed while a long one is still running") {
  const tests::TemporaryFolder folder;
  std::atomic<bool> seen = false;
  const auto long_last = [&](const base::Point& point, const sweep::RunContext&) -> store::Dataset {
    for (int i = 0; n_of(point) == 2 && i < 1000 && !seen; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      if (sweep::shard_files(folder.path() / "x").empty()) continue;
      const std::vector<RunStatus> status = status_in(folder.path() / "x");
      seen = status == std::vector<RunStatus>{RunStatus::done, RunStatus::done, RunStatus::missing};
    }
    return {};
  };
  tests::run_part(plan_of({0, 1, 2}, long_last), folder.path() / "x", {},
                  {.threads = 1, .commit_every = 0.05});
  CHECK(seen);
  CHECK(files_in(folder.path() / "x") == 2);  // the plan and one shard, rewritten
}

TEST_CASE("a bug comes through") {
  const tests::TemporaryFolder folder;
  const auto buggy = [](const base::Point&, const sweep::RunContext&) -> store::Dataset {
    throw base::Bug("oops");
  };
  CHECK_THROWS_AS(tests::run_part(plan_of({2, 3}, buggy), folder.path() / "x"), base::Bug);
}

TEST_CASE("two processes with the same shard do no harm") {
  const tests::TemporaryFolder folder;
  const sweep::Plan plan = plan_of(up_to(200), draw);
  std::mutex start;
  std::vector<std::thread> both;
  start.lock();
  for (int i = 0; i < 2; ++i) {
    both.emplace_back([&] {
      { const std::scoped_lock go(start); }
      tests::run_part(plan, folder.path() / "x", {1, 2}, {.threads = 1, .commit_every = 0});
    });
  }
  start.unlock();
  for (std::thread& one : both) one.join();
  tests::run_part(plan, folder.path() / "x", {2, 2});
  CHECK(tests::same_bits(tests::collected(plan, folder.path() / "x"),
                         tests::swept(plan, folder.path() / "alone")));
}

TEST_CASE("a single point leaves the threads to the experiment") {
  const tests::TemporaryFolder folder;
  std::atomic<int> threads = 0;
  const auto parallel = [&](const base::Point&, const sweep::RunContext&) -> store::Dataset {
#pragma omp parallel num_threads(2)
    ++threads;
    return {};
  };
  tests::run_part(plan_of({1}, parallel), folder.path() / "x", {}, {.threads = 2});
  CHECK(threads == 2);
}
