#include "ecphory/sweep/group.hpp"

#include <atomic>
#include <cmath>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <doctest/doctest.h>
#include <omp.h>

#include "ecphory/base/error.hpp"
#include "ecphory/sweep/estimate.hpp"

#include "refusal.hpp"
#include "sweep/toy.hpp"
#include "temporary_folder.hpp"

using namespace ecphory;
using sweep::RunStatus;
using tests::n_of;
using tests::values;

namespace {

using Groups = std::vector<std::vector<std::int64_t>>;

constexpr compute::Device kGpu{compute::Device::Kind::cuda, 0};

/// A normal of standard deviation n, and n squared. Throws at n = 13.
store::Dataset draw(const base::Point& point, const sweep::RunContext& context) {
  const std::int64_t n = n_of(point);
  if (n == 13) throw std::runtime_error("thirteen");
  std::vector<double> x(1);
  base::RandomStream(context.key, base::Purpose("toy")).normals(0, std::span(x));
  return {.arrays = {tests::number("x", static_cast<double>(n) * x[0]),
                     {.name = "square", .dimensions = {}, .shape = {}, .values = std::vector{n * n}}}};
}

/// The experiment of draw(), in which even numbers keep company, and odd ones. It notes what it ran at once.
struct Pairable {
  sweep::Experiment experiment;
  std::shared_ptr<Groups> groups = std::make_shared<Groups>();
  std::shared_ptr<std::mutex> noting = std::make_shared<std::mutex>();

  explicit Pairable(const std::function<void(std::span<const sweep::RunContext>)>& before = {}) {
    experiment = tests::experiment_of(draw);
    experiment.together = sweep::Together{
        .company = [](const base::Point& point) { return n_of(point) % 2 == 0 ? "even" : "odd"; },
        .run =
            [before, all = groups, mutex = noting](std::span<const base::Point> points,
                                                   std::span<const sweep::RunContext> contexts) {
              {
                const std::scoped_lock lock(*mutex);
                all->emplace_back();
                for (const base::Point& point : points) all->back().push_back(n_of(point));
              }
              if (before) before(contexts);
              std::vector<sweep::Outcome> outcomes;
              for (std::size_t k = 0; k < points.size(); ++k) {
                try {
                  outcomes.emplace_back(draw(points[k], contexts[k]));
                } catch (const std::exception&) {
                  outcomes.emplace_back(std::current_exception());
                }
              }
              return outcomes;
            }};
  }

  sweep::Plan plan(std::vector<std::int64_t> numbers, std::optional<std::int64_t> replicates = {},
                   const std::optional<sweep::StopRule>& stop = {}) const {
    return sweep::make_plan(experiment, 1, {},
                            {.factors = {sweep::Axis{"n", {numbers.begin(), numbers.end()}}}}, replicates,
                            stop);
  }
};

std::vector<RunStatus> status_in(const std::filesystem::path& folder) {
  return sweep::survey(sweep::read_plan(folder), sweep::Look::closely).status;
}

std::vector<std::size_t> all_of(const sweep::Plan& plan) { return sweep::runs_of(plan, {}); }

}  // namespace

TEST_CASE("runs of a group keep company and their order; no group is larger than asked") {
  using Runs = std::vector<std::vector<std::size_t>>;
  const sweep::Plan plan = Pairable().plan({0, 1, 2, 3, 4, 6, 8});
  CHECK(sweep::groups_of(plan, all_of(plan), 3) == Runs{{0, 2, 4}, {1, 3}, {5, 6}});
  CHECK(sweep::groups_of(plan, {6, 3, 2, 1, 0}, 2) == Runs{{6, 2}, {3, 1}, {0}});
  CHECK(sweep::groups_of(plan, all_of(plan), 1).size() == 7);
  CHECK(sweep::groups_of(tests::plan_of({0, 2}, draw), {0, 1}, 9) == Runs{{0}, {1}});
  const sweep::Plan replicated = Pairable().plan({0, 2}, 3);
  CHECK(sweep::groups_of(replicated, all_of(replicated), 9) == Runs{{0, 1, 2, 3, 4, 5}});
  const sweep::Plan ruled =
      Pairable().plan({0, 2}, 3, sweep::StopRule{.result = "x", .width = 1, .least = 2});
  CHECK(sweep::groups_of(ruled, all_of(ruled), 9) == Runs{{0, 1, 2}, {3, 4, 5}});
  CHECK(sweep::largest_group(ruled, 9) == 2);
  CHECK(sweep::largest_group(replicated, 9) == 9);
}

TEST_CASE(
    "the bits do not depend on how many runs are one problem, on threads, parts, or the device's word") {
  const tests::TemporaryFolder folder;
  const sweep::Plan plan = Pairable().plan(tests::up_to(13), 3);
  const store::Dataset reference = tests::swept(plan, folder.path() / "alone", {.threads = 1});
  CHECK(tests::same_bits(reference, tests::swept(tests::plan_of(tests::up_to(13), draw, 3),
                                                 folder.path() / "without", {.threads = 2})));
  for (const std::size_t together : {2UL, 5UL, 100UL}) {
    const std::string name = std::to_string(together);
    CHECK(tests::same_bits(reference, tests::swept(plan, folder.path() / name,
                                                   {.threads = 2, .together = together, .commit_every = 0})));
    for (const std::size_t i : {3UL, 1UL, 2UL})
      tests::run_part(plan, folder.path() / (name + " in parts"), {i, 3}, {.together = together});
    CHECK(tests::same_bits(reference, tests::collected(plan, folder.path() / (name + " in parts"))));
  }
  CHECK(tests::same_bits(reference,
                         tests::swept(plan, folder.path() / "gpu", {.device = kGpu, .together = 4})));
}

TEST_CASE("single runs go their own way on the CPU, and as a group of one on a GPU") {
  const tests::TemporaryFolder folder;
  const Pairable toy;
  const sweep::Plan plan = toy.plan({0, 1, 2});
  tests::run_part(plan, folder.path() / "cpu", {}, {.threads = 1, .together = 2});
  CHECK(*toy.groups == Groups{{0, 2}});
  toy.groups->clear();
  tests::run_part(plan, folder.path() / "gpu", {}, {.device = kGpu, .together = 2});
  CHECK(*toy.groups == Groups{{0, 2}, {1}});
}

TEST_CASE("a GPU has one problem after the other, each with all threads, unless threads are asked for") {
  const tests::TemporaryFolder folder;
  std::atomic<int> in_hand = 0;
  std::atomic<int> most = 0;
  std::atomic<int> fewest_threads = 1000;
  std::mutex changing;
  const Pairable toy([&](std::span<const sweep::RunContext> contexts) {
    CHECK(contexts.front().device == kGpu);
    const int now = ++in_hand;
    {
      const std::scoped_lock lock(changing);
      most = std::max<int>(most, now);
      fewest_threads = std::min<int>(fewest_threads, omp_in_parallel() != 0 ? 1 : omp_get_max_threads());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    --in_hand;
  });
  const sweep::Plan plan = toy.plan({0, 1, 2, 3});
  tests::run_part(plan, folder.path() / "one", {}, {.device = kGpu});
  CHECK(most == 1);
  CHECK(fewest_threads == omp_get_max_threads());
  tests::run_part(plan, folder.path() / "two", {}, {.threads = 2, .device = kGpu});
  CHECK(most == 2);
}

TEST_CASE("an outcome that is a failure leaves the others of its group alone") {
  const tests::TemporaryFolder folder;
  const Pairable toy;
  const sweep::Plan plan = toy.plan({11, 13, 15});
  std::vector<std::pair<std::size_t, std::size_t>> seen;
  const sweep::Report report =
      tests::run_part(plan, folder.path() / "x", {},
                      {.together = 3, .on_progress = [&](std::size_t done, std::size_t failed) {
                         if (seen.empty() || seen.back() != std::pair(done, failed))
                           seen.emplace_back(done, failed);
                       }});
  CHECK(*toy.groups == Groups{{11, 13, 15}});
  CHECK(report.done == 2);
  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures[0].index == 1);
  CHECK(report.failures[0].message == "thirteen");
  std::erase(seen, std::pair<std::size_t, std::size_t>(0, 0));
  CHECK(seen == std::vector<std::pair<std::size_t, std::size_t>>{{1, 0}, {2, 1}, {3, 1}});
  CHECK(values<std::int64_t>(tests::collected(plan, folder.path() / "x"), "square") ==
        std::vector<std::int64_t>{121, 0, 225});
}

TEST_CASE("what a group throws is what all of its runs failed by; a bug comes through") {
  const tests::TemporaryFolder folder;
  const auto failures = [&](const std::string& name, const auto& trouble) {
    const Pairable toy([&](std::span<const sweep::RunContext> contexts) {
      if (contexts.size() == 2) trouble();
    });
    const sweep::Report report =
        tests::run_part(toy.plan({1, 2, 3, 4, 6}), folder.path() / name, {}, {.together = 3});
    CHECK(report.done == 3);
    REQUIRE(report.failures.size() == 2);
    CHECK(report.failures[0].index == 0);
    CHECK(report.failures[1].index == 2);
    CHECK(report.failures[0].message == report.failures[1].message);
    return report.failures[0].message;
  };
  CHECK(failures("error", [] { throw std::runtime_error("oops"); }) == "oops");
  CHECK(failures("memory", [] {
          throw std::bad_alloc();
        }).starts_with("there is not enough memory for 2 points at once"));
  const Pairable buggy([](auto) { throw base::Bug("oops"); });
  CHECK_THROWS_AS(tests::run_part(buggy.plan({1, 3}), folder.path() / "bug", {}, {.together = 2}), base::Bug);
}

TEST_CASE("a group with too few outcomes is a bug, as is a group of points that have none together") {
  const tests::TemporaryFolder folder;
  Pairable toy;
  toy.experiment.together->run = [](auto, auto) { return std::vector<sweep::Outcome>(1); };
  CHECK_THROWS_AS(tests::run_part(toy.plan({1, 3}), folder.path() / "x", {}, {.together = 2}), base::Bug);
  CHECK_THROWS_AS(tests::run_part(tests::plan_of({1, 3}, draw), folder.path() / "y", {}, {.together = 2}),
                  base::Bug);
}

TEST_CASE("a group has the time of its runs, and each of them its share of it") {
  const tests::TemporaryFolder folder;
  const Pairable toy([](std::span<const sweep::RunContext> contexts) {
    const int milliseconds = contexts.size() == 4 ? 450 : 650;  // of 1200, and of 600
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    contexts.back().deadline.check();
  });
  const sweep::Report report = tests::run_part(toy.plan({0, 1, 2, 3, 4, 6}), folder.path() / "x", {},
                                               {.threads = 1, .together = 4, .point_timeout = 0.3});
  CHECK(report.done == 4);
  REQUIRE(report.failures.size() == 2);
  CHECK(report.failures[0].message.starts_with("took longer than 0.6 s"));
  const sweep::Ledger ledger = sweep::survey(sweep::read_plan(folder.path() / "x"), sweep::Look::closely);
  CHECK(ledger.seconds > 1.09);
  CHECK(ledger.seconds < 3);  // four times the one and twice the other would be 3.1
}

TEST_CASE("cancelling keeps the group in hand and begins no other; resuming gives the same bits") {
  const tests::TemporaryFolder folder;
  base::CancellationToken cancel;
  const Pairable interrupted([&](auto) { cancel.request(SIGTERM); });
  const std::vector<std::int64_t> numbers = tests::up_to(12);
  const sweep::Report report = tests::run_part(interrupted.plan(numbers), folder.path() / "x", {},
                                               {.threads = 1, .together = 4, .cancel = &cancel});
  CHECK(report.done == 4);
  CHECK(std::ranges::count(status_in(folder.path() / "x"), RunStatus::missing) == 8);
  const Pairable toy;
  const store::Dataset resumed = tests::swept(toy.plan(numbers), folder.path() / "x", {.together = 3});
  CHECK(tests::same_bits(resumed, tests::swept(toy.plan(numbers), folder.path() / "undisturbed")));
}

TEST_CASE("the first failure in a group ends the sweep after the group") {
  const tests::TemporaryFolder folder;
  tests::run_part(Pairable().plan({11, 13, 15, 17, 19}), folder.path() / "x", {},
                  {.threads = 1, .together = 3, .fail_fast = true});
  CHECK(status_in(folder.path() / "x") == std::vector<RunStatus>{RunStatus::done, RunStatus::failed,
                                                                 RunStatus::done, RunStatus::missing,
                                                                 RunStatus::missing});
}

TEST_CASE("replicates that a stop rule would not have asked for are dropped, also their failures") {
  const tests::TemporaryFolder folder;
  const sweep::StopRule rule{.result = "x", .width = 1.5, .least = 4};
  const Pairable toy;
  const sweep::Plan plan = toy.plan({1, 2, 4}, 200, rule);
  const store::Dataset reference = tests::swept(plan, folder.path() / "alone", {.threads = 1});
  for (const std::size_t together : {2UL, 3UL, 64UL}) {
    toy.groups->clear();
    CHECK(tests::same_bits(reference, tests::swept(plan, folder.path() / std::to_string(together),
                                                   {.threads = 2, .together = together})));
    const auto largest = std::ranges::max_element(*toy.groups, {}, &std::vector<std::int64_t>::size);
    CHECK(largest->size() == std::min(together, 4UL));
  }

  for (const int groups : {1, 5}) {
    base::CancellationToken cancel;
    std::atomic<int> left = groups;
    const Pairable interrupted([&](auto) {
      if (--left == 0) cancel.request(SIGTERM);
    });
    const std::filesystem::path here = folder.path() / ("cancelled after " + std::to_string(groups));
    tests::run_part(interrupted.plan({1, 2, 4}, 200, rule), here, {},
                    {.threads = 1, .together = 3, .cancel = &cancel});
    const sweep::Ledger half = sweep::survey(sweep::read_plan(here), sweep::Look::closely);
    CHECK(half.count(RunStatus::missing) > 0);
    if (groups == 1) CHECK(half.count(RunStatus::done) == 3);
    CHECK(tests::same_bits(reference, tests::swept(plan, here, {.together = 4})));
  }

  // The first four are enough, 99 1 1 1; of the second group, 3 4 5, the last fails.
  Pairable failing;
  failing.experiment.together->run = [](std::span<const base::Point>,
                                        std::span<const sweep::RunContext> contexts) {
    std::vector<sweep::Outcome> outcomes;
    for (const sweep::RunContext& context : contexts) {
      if (context.key.replicate < 5) {
        outcomes.emplace_back(
            store::Dataset{.arrays = {tests::number("x", context.key.replicate == 0 ? 99 : 1)}});
      } else {
        outcomes.emplace_back(std::make_exception_ptr(std::runtime_error("needless")));
      }
    }
    return outcomes;
  };
  const sweep::StopRule four{.result = "x", .width = 200, .least = 3};
  const sweep::Report report =
      tests::run_part(failing.plan({1}, 9, four), folder.path() / "failing", {}, {.together = 3});
  CHECK(report.done == 4);
  CHECK(report.failures.empty());
  CHECK(sweep::survey(sweep::read_plan(folder.path() / "failing"), sweep::Look::closely)
            .count(RunStatus::not_needed) == 5);
}

TEST_CASE("an estimate of groups is of one group, and of all memory that its runs take at once") {
  const tests::TemporaryFolder folder;
  Pairable toy;
  toy.experiment.cost = [](const base::Point& point) { return static_cast<double>(n_of(point)); };
  toy.experiment.footprint = [](const base::Point& point, compute::Device) {
    return sweep::Footprint{.memory = static_cast<double>(n_of(point)), .results = 1};
  };
  toy.experiment.shortened = [](const base::Point& point) { return base::Point{{"n", n_of(point) + 100}}; };
  const sweep::Plan plan = toy.plan({1, 2, 3, 5, 13}, 2);
  const sweep::Estimate one = sweep::estimate(plan, folder.path());
  CHECK(toy.groups->empty());
  CHECK(one.groups == 10);
  CHECK(one.largest == 1);
  CHECK(one.memory == 13);
  const sweep::Estimate three = sweep::estimate(plan, folder.path(), compute::kCpu, 3);
  CHECK(*toy.groups == Groups{{101, 101, 103}});
  CHECK(three.groups == 4);
  CHECK(three.largest == 3);
  CHECK(three.sampled == 3);
  CHECK(three.memory == 13 + 13);
  CHECK(three.bytes == 10);
  CHECK(three.failure.empty());
  CHECK(three.seconds > 0);
  toy.groups->clear();
  const sweep::Estimate gpu = sweep::estimate(plan, folder.path(), kGpu, 3);
  CHECK(*toy.groups == Groups{{101, 101, 103}, {101, 101, 103}});  // the first time it is set up
  CHECK(gpu.memory == three.memory);
}

TEST_CASE("a device that an experiment cannot use, or that is not there, is refused") {
  const sweep::Plan alone = tests::plan_of({1, 13}, draw);
  const sweep::Plan pairs = Pairable().plan({0, 1});
  const auto refused = [](const sweep::Plan& plan, compute::Device device, std::size_t together) {
    return tests::refusal([&] { sweep::check_execution(plan, device, together); });
  };
  CHECK(refused(alone, compute::kCpu, 1).empty());
  CHECK(refused(pairs, compute::kCpu, 64).empty());
  CHECK(refused(alone, kGpu, 64).starts_with("--device: the experiment toy runs on the CPU"));
  CHECK(refused(alone, compute::kCpu, 2)
            .starts_with("--together: the experiment toy runs each point by itself"));
  const std::string gpu = refused(pairs, kGpu, 64);
  if (compute::cuda_device_count() > 0) {
    CHECK(gpu.empty());
  } else if (compute::cuda_version() == "none") {
    CHECK(gpu.starts_with("--device: this build of Ecphory has no CUDA"));
    CHECK(tests::contains(gpu, "preset `cuda`"));
  } else {
    CHECK(gpu.starts_with("--device: no GPU can be used here"));
  }

  sweep::Plan single = alone;
  single.experiment.check_on_gpu = [](const base::Point& point) {
    if (n_of(point) == 13) throw base::UserError({.key = "n", .problem = "thirteen has no form for a GPU"});
  };
  CHECK(refused(single, compute::kCpu, 1).empty());
  CHECK(refused(single, kGpu, 1).starts_with("n: thirteen has no form for a GPU"));
  CHECK(refused(single, kGpu, 2).starts_with("--together: "));
  single = tests::plan_of({1, 2}, draw);
  single.experiment.check_on_gpu = [](const base::Point&) {};
  CHECK(refused(single, kGpu, 1) == gpu);
}

TEST_CASE("an experiment without groups runs its points one by one on a GPU") {
  const tests::TemporaryFolder folder;
  std::atomic<int> there = 0;
  sweep::Plan plan =
      tests::plan_of({1, 2, 3}, [&](const base::Point& point, const sweep::RunContext& context) {
        there += context.device == kGpu ? 1 : 0;
        return draw(point, context);
      });
  plan.experiment.check_on_gpu = [](const base::Point&) {};
  const auto report = tests::run_part(plan, folder.path() / "gpu", {}, {.device = kGpu});
  CHECK(report.done == 3);
  CHECK(there == 3);
  there = 0;
  const sweep::Estimate estimate = sweep::estimate(plan, folder.path(), kGpu);
  CHECK(estimate.groups == 3);
  CHECK(there == 4);  // the first time it is set up
}
