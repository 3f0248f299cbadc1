#include "ecphory/sweep/group.hpp"

#include <algorithm>
#include <exception>
#include <string>
#include <unordered_map>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"

namespace ecphory::sweep {
namespace {

void check_gpu() {
  if (compute::cuda_device_count() > 0) return;
  if (compute::cuda_version() == "none") {
    throw base::UserError({.key = "--device",
                           .problem = "this build of Ecphory has no CUDA",
                           .expected = "cpu",
                           .remedy = "configure with the preset `cuda` for a program that uses GPUs"});
  }
  throw base::UserError({.key = "--device",
                         .problem = "no GPU can be used here",
                         .expected = "cpu, or a machine on which nvidia-smi lists a GPU",
                         .remedy = "look at the driver, and at CUDA_VISIBLE_DEVICES"});
}

}  // namespace

void check_execution(const Plan& plan, compute::Device device, std::size_t together) {
  const Experiment& experiment = plan.experiment;
  const bool gpu = device != compute::kCpu;
  if (gpu && !experiment.runs_on_gpu()) {
    throw base::UserError({.key = "--device",
                           .problem = fmt::format("the experiment {} runs on the CPU", experiment.name),
                           .expected = "cpu"});
  }
  if (together > 1 && !experiment.together) {
    throw base::UserError(
        {.key = "--together",
         .problem = fmt::format("the experiment {} runs each point by itself", experiment.name),
         .expected = "1",
         .remedy = "points run side by side on --threads"});
  }
  if (gpu && experiment.check_on_gpu) {
    for (std::size_t run = 0; run < plan.size(); run += plan.replicate_count())
      experiment.check_on_gpu(plan.point(run));
  }
  if (gpu) check_gpu();
}

std::vector<std::vector<std::size_t>> groups_of(const Plan& plan, const std::vector<std::size_t>& runs,
                                                std::size_t most) {
  base::ensure(most >= 1, "a group has a run");
  const bool alone = most == 1 || !plan.experiment.together;
  std::vector<std::vector<std::size_t>> groups;
  std::unordered_map<std::string, std::size_t> latest;  // group of a company
  std::size_t point = plan.points;
  std::string company;
  for (const std::size_t run : runs) {
    if (alone) {
      groups.push_back({run});
      continue;
    }
    if (const std::size_t here = run / plan.replicate_count(); here != point) {
      point = here;
      company = plan.stop ? std::to_string(point) : plan.experiment.together->company(plan.point(run));
    }
    const auto [place, is_first] = latest.try_emplace(company, groups.size());
    if (is_first || groups[place->second].size() == most) {
      place->second = groups.size();
      groups.emplace_back();
    }
    groups[place->second].push_back(run);
  }
  return groups;
}

std::vector<Outcome> run_group(const Experiment& experiment, std::span<const base::Point> points,
                               std::span<const RunContext> contexts) {
  std::vector<Outcome> outcomes;
  try {
    outcomes = experiment.together->run(points, contexts);
  } catch (const base::Bug&) {
    throw;
  } catch (const std::exception&) {
    outcomes.assign(points.size(), Outcome(std::current_exception()));
  }
  base::ensure(outcomes.size() == points.size(), "every run of a group has an outcome");
  return outcomes;
}

std::size_t largest_group(const Plan& plan, std::size_t together) {
  if (!plan.stop) return together;
  return std::min(together, static_cast<std::size_t>(std::max<std::int64_t>(plan.stop->least, 1)));
}

}  // namespace ecphory::sweep
