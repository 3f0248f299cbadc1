#include "dry_run.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <omp.h>

#include "ecphory/sweep/estimate.hpp"

#include "duration_text.hpp"

namespace ecphory::app {
namespace {

using nlohmann::json;

std::string size_text(double bytes) {
  constexpr std::array<const char*, 5> kUnits = {"bytes", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  return fmt::format("{:.3g} {}", bytes, kUnits.at(unit));
}

/// "on 2 threads, 4 runs at once on each", "on the GPU, 64 runs at once".
std::string place_text(const sweep::Estimate& estimate, bool gpu, double threads) {
  std::string text = gpu            ? "on the GPU"
                     : threads == 1 ? "on 1 thread"
                                    : fmt::format("on {} threads", threads);
  if (estimate.largest > 1)
    text += fmt::format(", {} runs at once{}", estimate.largest, threads > 1 ? " on each" : "");
  return text;
}

}  // namespace

void dry_run(const Session& session, const Execution& execution, bool as_json) {
  const sweep::Plan& plan = session.request.plan;
  const std::filesystem::path folder = session.output.parent_path();
  const compute::Device device = device_of(execution);
  const bool gpu = device != compute::kCpu;
  const sweep::Estimate estimate =
      sweep::estimate(plan, folder.empty() ? "." : folder, device, together_of(execution, plan.experiment));
  const int threads = execution.threads > 0 ? execution.threads : gpu ? 1 : omp_get_max_threads();
  const auto used = static_cast<double>(
      std::min<std::size_t>(static_cast<std::size_t>(threads), std::max<std::size_t>(estimate.groups, 1)));
  const double seconds = estimate.seconds / (gpu ? 1 : used);
  const std::vector<std::string> names = plan.dimensions();
  const std::vector<std::size_t> shape = plan.shape();
  if (as_json) {
    json axes = json::array();
    for (std::size_t i = 0; i < names.size(); ++i)
      axes.push_back({{"dimension", names[i]}, {"size", shape[i]}});
    json swept = json::array();
    for (const sweep::Column& column : plan.columns) swept.push_back(column.key);
    fmt::print("{}\n", json{{"experiment", plan.experiment.name},
                            {"plan", sweep::hash_text(plan.hash())},
                            {"runs", plan.size()},
                            {"points", plan.points},
                            {"merged_points", plan.merged},
                            {"device", compute::to_string(device)},
                            {"runs_at_once", estimate.largest},
                            {"swept", swept},
                            {"dimensions", axes},
                            {"seconds", seconds},
                            {"bytes", estimate.bytes},
                            {"memory", estimate.memory * used},
                            {"output", session.output.string()},
                            {"config", session.request.config}}
                           .dump(2));
    return;
  }
  fmt::print("{}\n{} runs into {}\n", session.request.title, plan.size(), session.output.string());
  for (std::size_t i = 0; i < names.size(); ++i) fmt::print("  {} ({})\n", names[i], shape[i]);
  if (!plan.is_grid()) {
    for (const sweep::Column& column : plan.columns) fmt::print("  with {}\n", column.key);
  }
  if (plan.merged > 0) fmt::print("  equal points count once: {} fewer\n", plan.merged);
  const std::string memory = estimate.memory > 0
                                 ? fmt::format(", {} of memory at work{}", size_text(estimate.memory * used),
                                               gpu ? " on the GPU" : "")
                                 : "";
  fmt::print("about {} {}, {}{}; {} {} timed\n", duration_text(seconds), place_text(estimate, gpu, used),
             size_text(estimate.bytes), memory, estimate.sampled, estimate.sampled == 1 ? "run" : "runs");
  if (!estimate.failure.empty()) fmt::print("a timed run failed: {}\n", estimate.failure);
  fmt::print("\n{}", session.request.config);
}

}  // namespace ecphory::app
