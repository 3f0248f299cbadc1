#include "ecphory/sweep/estimate.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/blas.hpp"
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

}  // namespace

Estimate estimate(const Plan& plan, const std::filesystem::path& scratch_folder) {
  constexpr double kBudget = 1;
  constexpr double kLongest = 10;
  constexpr std::size_t kMost = 16;
  const compute::SingleThreadedBlas one_blas_thread;
  const ThreadCount one_thread(1);
  const auto scratch = std::make_shared<store::Scratch>(scratch_folder);
  const Experiment& experiment = plan.experiment;
  const auto cost = [&](const base::Point& point) { return experiment.cost ? experiment.cost(point) : 1.0; };
  Estimate result;
  double cost_sampled = 0;
  double seconds = 0;
  double bytes = 0;
  std::size_t measured = 0;  // in bytes
  const std::size_t most = std::min(kMost, plan.size());
  for (std::size_t k = 0; k < most && seconds < kBudget; ++k) {
    // The middles of ever smaller pieces of the plan: 1/2, 1/4, 3/4, 1/8 …
    double place = 0;
    double piece = 0.5;
    for (std::size_t bits = k + 1; bits > 0; bits /= 2, piece /= 2)
      place += static_cast<double>(bits % 2) * piece;
    const std::size_t run =
        most == plan.size() ? k : static_cast<std::size_t>(place * static_cast<double>(plan.size()));
    const base::Point timed = experiment.shortened ? experiment.shortened(plan.point(run)) : plan.point(run);
    const Clock::time_point start = Clock::now();
    try {
      bytes += bytes_of(experiment.run(
          timed, {.key = plan.random_key(run), .scratch = scratch, .deadline = base::Deadline(kLongest)}));
      ++measured;
    } catch (const base::Bug&) {
      throw;
    } catch (const std::exception& error) {
      result.failure = fmt::format("{}: {}", plan.label(run), error.what());
    }
    seconds += seconds_since(start);
    cost_sampled += cost(timed);
    ++result.sampled;
  }
  const auto replicates = static_cast<double>(plan.replicate_count());
  double cost_of_all = 0;
  double results = 0;
  for (std::size_t i = 0; i < plan.points; ++i) {
    const base::Point point = plan.point(i * plan.replicate_count());
    cost_of_all += replicates * cost(point);
    if (!experiment.footprint) continue;
    const Footprint footprint = experiment.footprint(point);
    results += replicates * footprint.results;
    result.memory = std::max(result.memory, footprint.memory);
  }
  result.seconds = seconds / cost_sampled * cost_of_all;
  if (measured > 0) result.bytes = bytes / static_cast<double>(measured) * static_cast<double>(plan.size());
  if (experiment.footprint) result.bytes = results;
  return result;
}

}  // namespace ecphory::sweep
