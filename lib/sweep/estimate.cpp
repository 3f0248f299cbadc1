#include "ecphory/sweep/estimate.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/blas.hpp"
#include "ecphory/sweep/group.hpp"
#include "ecphory/sweep/threads.hpp"

namespace ecphory::sweep {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double bytes_of(const store::Dataset& arrays) {
  double bytes = 1;  // its status
  for (const store::LabelledArray& array : arrays.arrays) {
    if (array.is_coordinate()) continue;
    double elements = std::holds_alternative<std::vector<std::uint8_t>>(array.values) ? 1 : 8;
    for (const std::size_t extent : array.shape) elements *= static_cast<double>(extent);
    bytes += elements;
  }
  return bytes;
}

/// Runs that were timed, shortened where the experiment can.
struct Timed {
  std::size_t runs = 0;
  double seconds = 0;
  double cost = 0;
  std::size_t measured = 0;  ///< of which the arrays are known
  double bytes = 0;          ///< of these
  std::string failure = {};

  void measure(const store::Dataset& arrays) {
    bytes += bytes_of(arrays);
    ++measured;
  }
};

constexpr double kLongest = 10;  // s

double cost_of(const Experiment& experiment, const base::Point& point) {
  return experiment.cost ? experiment.cost(point) : 1.0;
}

base::Point shortened(const Plan& plan, std::size_t run) {
  return plan.experiment.shortened ? plan.experiment.shortened(plan.point(run)) : plan.point(run);
}

Timed sample_single_runs(const Plan& plan, const std::shared_ptr<store::Scratch>& scratch,
                         compute::Device device) {
  constexpr double kBudget = 1;
  constexpr std::size_t kMost = 16;
  Timed sample;
  const std::size_t most = std::min(kMost, plan.size());
  for (std::size_t k = 0; k < most && sample.seconds < kBudget; ++k) {
    // The middles of ever smaller pieces of the plan: 1/2, 1/4, 3/4, 1/8 …
    double place = 0;
    double piece = 0.5;
    for (std::size_t bits = k + 1; bits > 0; bits /= 2, piece /= 2)
      place += static_cast<double>(bits % 2) * piece;
    const std::size_t run =
        most == plan.size() ? k : static_cast<std::size_t>(place * static_cast<double>(plan.size()));
    const base::Point timed = shortened(plan, run);
    const auto result = [&] {
      return plan.experiment.run(timed, {.key = plan.random_key(run),
                                         .scratch = scratch,
                                         .deadline = base::Deadline(kLongest),
                                         .device = device});
    };
    Clock::time_point start = Clock::now();
    try {
      if (device != compute::kCpu && k == 0) {
        result();  // the first work of a process sets the GPU up
        start = Clock::now();
      }
      sample.measure(result());
    } catch (const base::Bug&) {
      throw;
    } catch (const std::exception& error) {
      sample.failure = fmt::format("{}: {}", plan.label(run), error.what());
    }
    sample.seconds += seconds_since(start);
    sample.cost += cost_of(plan.experiment, timed);
    ++sample.runs;
  }
  return sample;
}

Timed sample_group(const Plan& plan, const std::vector<std::size_t>& group,
                   const std::shared_ptr<store::Scratch>& scratch, compute::Device device) {
  Timed sample{.runs = group.size()};
  std::vector<base::Point> points;
  std::vector<RunContext> contexts;
  for (const std::size_t run : group) {
    points.push_back(shortened(plan, run));
    contexts.push_back({.key = plan.random_key(run),
                        .scratch = scratch,
                        .deadline = base::Deadline(kLongest),
                        .device = device});
    sample.cost += cost_of(plan.experiment, points.back());
  }
  Clock::time_point start = Clock::now();
  if (device != compute::kCpu) {
    run_group(plan.experiment, points, contexts);  // the first work of a process sets the GPU up
    start = Clock::now();
    for (RunContext& context : contexts) context.deadline = base::Deadline(kLongest);
  }
  const std::vector<Outcome> outcomes = run_group(plan.experiment, points, contexts);
  sample.seconds = seconds_since(start);
  for (std::size_t k = 0; k < group.size(); ++k) {
    try {
      if (const auto* const trouble = std::get_if<std::exception_ptr>(&outcomes[k]))
        std::rethrow_exception(*trouble);
      sample.measure(std::get<store::Dataset>(outcomes[k]));
    } catch (const base::Bug&) {
      throw;
    } catch (const std::exception& error) {
      sample.failure = fmt::format("{}: {}", plan.label(group[k]), error.what());
    }
  }
  return sample;
}

/// Bytes of the largest group at work.
double memory_of(const Plan& plan, const std::vector<std::vector<std::size_t>>& groups,
                 compute::Device device) {
  double most = 0;
  for (const std::vector<std::size_t>& group : groups) {
    double memory = 0;
    for (const std::size_t run : group) memory += plan.experiment.footprint(plan.point(run), device).memory;
    most = std::max(most, memory);
  }
  return most;
}

}  // namespace

Estimate estimate(const Plan& plan, const std::filesystem::path& scratch_folder, compute::Device device,
                  std::size_t together) {
  const compute::SingleThreadedBlas one_blas_thread;
  const bool grouped = plan.experiment.together && (device != compute::kCpu || together > 1);
  const ThreadCount threads(device == compute::kCpu ? 1 : 0);
  const auto scratch = std::make_shared<store::Scratch>(scratch_folder);
  const Experiment& experiment = plan.experiment;
  Estimate result{.groups = plan.size()};
  Timed sample;
  if (grouped) {
    std::vector<std::size_t> runs(plan.size());
    std::iota(runs.begin(), runs.end(), std::size_t{0});
    const auto groups = groups_of(plan, runs, largest_group(plan, together));
    const auto largest = std::ranges::max_element(groups, {}, &std::vector<std::size_t>::size);
    result.groups = groups.size();
    result.largest = largest->size();
    if (experiment.footprint) result.memory = memory_of(plan, groups, device);
    sample = sample_group(plan, *largest, scratch, device);
  } else {
    sample = sample_single_runs(plan, scratch, device);
  }
  const auto replicates = static_cast<double>(plan.replicate_count());
  double cost_of_all = 0;
  double results = 0;
  for (std::size_t i = 0; i < plan.points; ++i) {
    const base::Point point = plan.point(i * plan.replicate_count());
    cost_of_all += replicates * cost_of(experiment, point);
    if (!experiment.footprint) continue;
    const Footprint footprint = experiment.footprint(point, device);
    results += replicates * footprint.results;
    if (!grouped) result.memory = std::max(result.memory, footprint.memory);
  }
  result.sampled = sample.runs;
  result.failure = std::move(sample.failure);
  result.seconds = sample.seconds / sample.cost * cost_of_all;
  if (sample.measured > 0)
    result.bytes = sample.bytes / static_cast<double>(sample.measured) * static_cast<double>(plan.size());
  if (experiment.footprint) result.bytes = results;
  return result;
}

}  // namespace ecphory::sweep
