#include "ecphory/sweep/run.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ecphory/base/cancel.hpp"
#include "ecphory/base/progress.hpp"
#include "ecphory/store/provenance.hpp"

#include "experiment_file.hpp"
#include "verbs.hpp"

namespace ecphory::app {
namespace {

using nlohmann::json;

struct RunArguments {
  std::string file;
  std::string output;
  std::vector<std::string> overrides;
  int threads = 0;
  bool dry_run = false;
  bool force = false;
  bool as_json = false;
};

/// A lower bound of the result's size: a status and one real a run, and what every file has.
std::size_t expected_bytes(const sweep::Plan& plan) { return 9 * plan.size() + 65536; }

void print_plan(const Request& request, const std::string& output, bool as_json) {
  const std::vector<std::string> names = request.plan.dimensions();
  const std::vector<std::size_t> shape = request.plan.shape();
  if (as_json) {
    json axes = json::array();
    for (std::size_t i = 0; i < names.size(); ++i)
      axes.push_back({{"dimension", names[i]}, {"size", shape[i]}});
    fmt::print("{}\n", json{{"experiment", request.plan.experiment.name},
                            {"runs", request.plan.size()},
                            {"dimensions", axes},
                            {"output", output},
                            {"config", request.config}}
                           .dump(2));
    return;
  }
  fmt::print("{}\n{} runs into {}\n", request.title, request.plan.size(), output);
  for (std::size_t i = 0; i < names.size(); ++i) fmt::print("  {} ({})\n", names[i], shape[i]);
  fmt::print("\n{}", request.config);
}

std::string settings_of_axes(const sweep::Plan& plan, std::size_t index) {
  const base::Point point = plan.point(index);
  std::string text;
  for (const sweep::Axis& axis : plan.axes) {
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", axis.key, base::to_text(point.at(axis.key)));
  }
  return text.empty() ? "the only point" : text;
}

void report_failures(const sweep::Plan& plan, const std::vector<sweep::Failure>& failures) {
  constexpr std::size_t kShown = 10;
  for (std::size_t i = 0; i < std::min(failures.size(), kShown); ++i) {
    fmt::print(stderr, "failed: {}: {}\n", settings_of_axes(plan, failures[i].index), failures[i].message);
  }
  if (failures.size() > kShown)
    fmt::print(stderr, "… and {} more; `status` in the file marks all\n", failures.size() - kShown);
}

store::LabelledArray text_variable(std::string name, std::string text, std::string long_name) {
  return {.name = std::move(name),
          .dimensions = {},
          .shape = {},
          .values = std::vector<std::string>{std::move(text)},
          .long_name = std::move(long_name)};
}

/// Messages of failed runs over the grid, empty where there is none.
store::LabelledArray messages(const sweep::Plan& plan, const std::vector<sweep::Failure>& failures) {
  std::vector<std::string> texts(plan.size());
  for (const sweep::Failure& failure : failures) texts[failure.index] = failure.message;
  return {.name = "message",
          .dimensions = plan.dimensions(),
          .shape = plan.shape(),
          .values = std::move(texts),
          .long_name = "why the point failed"};
}

int execute(const Request& request, const RunArguments& arguments, const std::string& command) {
  base::CancellationToken cancel;
  const base::SignalWatch watch(cancel);
  const auto start = std::chrono::system_clock::now();

  auto progress = std::make_unique<base::Progress>("points", request.plan.size(), stderr);
  const std::filesystem::path folder = std::filesystem::path(arguments.output).parent_path();
  sweep::Result result = sweep::run(request.plan, {.threads = arguments.threads,
                                                   .scratch = folder.empty() ? "." : folder,
                                                   .cancel = &cancel,
                                                   .on_progress = [&](std::size_t done, std::size_t failed) {
                                                     progress->update(done, failed);
                                                   }});
  progress.reset();

  report_failures(request.plan, result.failures);
  const int stopped = cancel.signal();
  if (stopped != 0 && result.done == 0) {
    fmt::print(stderr, "stopped by signal {} before any point was done; no file was written\n", stopped);
    return kSignalled + stopped;
  }
  const auto end = std::chrono::system_clock::now();
  store::Dataset& dataset = result.dataset;
  dataset.attributes = store::attributes_of({.title = request.title,
                                             .experiment = request.plan.experiment.name,
                                             .command = command,
                                             .seed = request.plan.seed,
                                             .start = start,
                                             .end = end});
  if (!result.failures.empty()) dataset.arrays.push_back(messages(request.plan, result.failures));
  dataset.arrays.push_back(
      text_variable("config", request.config, "the experiment file, every key resolved"));
  store::write(arguments.output, dataset, request.write);

  const double seconds = std::chrono::duration<double>(end - start).count();
  if (arguments.as_json) {
    fmt::print("{}\n", json{{"output", arguments.output},
                            {"runs", request.plan.size()},
                            {"done", result.done},
                            {"failed", result.failures.size()},
                            {"failed_trajectories", result.failed_parts},
                            {"seconds", seconds}}
                           .dump(2));
  } else {
    fmt::print("{}\n", arguments.output);
    fmt::print(stderr, "{} of {} points done, {} failed, {:.2f} s\n", result.done, request.plan.size(),
               result.failures.size(), seconds);
  }
  if (result.failed_parts > 0) {
    fmt::print(stderr, "{} trajectories failed; {} in the file counts them at every point\n",
               result.failed_parts, sweep::kFailedParts);
  }
  if (stopped != 0) return kSignalled + stopped;
  return result.failures.empty() && result.failed_parts == 0 ? kDone : kPointsFailed;
}

}  // namespace

void add_run(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<RunArguments>();
  CLI::App* const verb = app.add_subcommand("run", "Run an experiment file and write its results as HDF5");
  verb->add_option("EXPERIMENT.toml", arguments->file, "the experiment file")->required();
  verb->add_option("--output,-o", arguments->output,
                   "the file to write; default: the experiment file's name with .h5");
  verb->add_option("--set", arguments->overrides, "key=value, instead of what the file says; may be repeated")
      ->allow_extra_args(false);
  verb->add_option("--threads,-t", arguments->threads, "threads; default: all cores")
      ->check(CLI::Range(1, 4096));
  verb->add_flag("--dry-run", arguments->dry_run, "check everything, print the plan, run nothing");
  verb->add_flag("--force", arguments->force, "overwrite an existing output");
  verb->add_flag("--json", arguments->as_json, "print for a machine");
  verb->callback([&exit_code, arguments] {
    Request request = read_request(arguments->file, arguments->overrides);
    if (arguments->output.empty()) {
      arguments->output = std::filesystem::path(arguments->file).stem().string() + ".h5";
    }
    request.write.existing = arguments->force ? store::Existing::replace : store::Existing::refuse;
    store::check_writable(arguments->output, expected_bytes(request.plan), request.write.existing);
    if (arguments->dry_run) {
      print_plan(request, arguments->output, arguments->as_json);
      return;
    }
    exit_code = kRunFailed;  // of whatever is thrown from here on
    std::string command = "ecphory run " + arguments->file;
    for (const std::string& text : arguments->overrides) command += " --set '" + text + "'";
    exit_code = execute(request, *arguments, command + " --output " + arguments->output);
  });
}

}  // namespace ecphory::app
