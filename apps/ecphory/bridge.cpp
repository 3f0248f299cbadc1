#include "bridge.hpp"

#include <chrono>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ecphory/base/error.hpp"
#include "ecphory/store/provenance.hpp"

#include "verbs.hpp"

namespace ecphory::app {

namespace fs = std::filesystem;
using base::UserError;

namespace {

using nlohmann::json;

void print(const BridgeReport& report, const BridgeArguments& arguments) {
  if (arguments.as_json) {
    json all = {{"output", report.files}, {"changes", report.changes}};
    if (!report.deviation.empty()) all["deviation"] = report.deviation;
    if (arguments.check) {
      all["certificate"] = report.certificate;
      if (report.effective_beta) all["effective_beta"] = *report.effective_beta;
    }
    fmt::print("{}\n", all.dump(2));
    return;
  }
  for (const std::string& file : report.files) fmt::print("{}\n", file);
  for (const std::string& change : report.changes) fmt::print("approximated: {}\n", change);
  for (std::size_t k = 0; k < report.deviation.size(); ++k) {
    // The first, the last, and in between those after 2, 4, 8 … layers.
    if (k > 0 && k + 1 < report.deviation.size() && ((k + 1) & k) != 0) continue;
    fmt::print("deviation after layer {}: {:.3g}\n", k + 1, report.deviation[k]);
  }
  if (!arguments.check) return;
  if (report.effective_beta) fmt::print("effective beta: {:.4g}\n", *report.effective_beta);
  fmt::print("{}", report.certificate);
}

/// The command, with every option that was given.
std::string command_of(const BridgeArguments& a) {
  std::string command = fmt::format("ecphory bridge {} --to {}", a.file, a.to);
  const auto add = [&](const std::string& option, const auto& value) {
    command += fmt::format(" {} {}", option, value);
  };
  for (const std::string& set : a.overrides) add("--set", "'" + set + "'");
  if (a.step) add("--step", *a.step);
  if (a.gate) add("--gate", *a.gate);
  if (a.layers) add("--layers", *a.layers);
  if (a.approximate) command += " --approximate";
  if (a.layer) add("--layer", *a.layer);
  if (a.head) add("--head", *a.head);
  if (a.token) add("--token", *a.token);
  if (!a.context.empty()) add("--context", a.context);
  if (a.test_set) add("--test-set", *a.test_set);
  if (a.sequence) add("--sequence", *a.sequence);
  if (a.tau) add("--tau", *a.tau);
  if (a.residual) command += " --residual";
  return command;
}

}  // namespace

store::Attributes bridge_provenance(const BridgeArguments& arguments, const std::string& title,
                                    std::uint64_t seed) {
  const auto now = std::chrono::system_clock::now();
  return store::attributes_of({.title = title,
                               .experiment = "bridge",
                               .command = command_of(arguments),
                               .seed = seed,
                               .start = now,
                               .end = now});
}

store::LabelledArray columns_of(const std::string& name, const std::string& dimension,
                                const Eigen::MatrixXd& columns, const std::string& row,
                                const std::string& long_name) {
  return {.name = name,
          .dimensions = {dimension, row},
          .shape = {static_cast<std::size_t>(columns.cols()), static_cast<std::size_t>(columns.rows())},
          .values = std::vector<double>(columns.data(), columns.data() + columns.size()),
          .long_name = long_name};
}

void require_free(const fs::path& path, const BridgeArguments& arguments) {
  std::error_code ignored;
  if (path.empty()) throw UserError({.key = "--to", .problem = "it is empty", .expected = "a name"});
  if (!fs::exists(path)) return;
  if (!fs::is_regular_file(path) || fs::equivalent(path, arguments.file, ignored)) {
    throw UserError({.key = path.string(),
                     .problem = fs::is_regular_file(path) ? "this is what is read" : "this is no file",
                     .expected = "a name that is free, or another file's",
                     .remedy = "choose another --to"});
  }
  if (arguments.force) return;
  throw UserError({.key = path.string(),
                   .problem = "there is a file of this name",
                   .expected = "a free name, or --force",
                   .remedy = "choose another --to, or replace it by --force"});
}

void refuse_for(const std::string& option, bool given, const std::string& of) {
  if (!given) return;
  throw UserError({.key = option,
                   .problem = "this option has no effect here",
                   .expected = fmt::format("{} with {}", option, of)});
}

void add_bridge(CLI::App& app, int&) {
  auto arguments = std::make_shared<BridgeArguments>();
  CLI::App* const verb = app.add_subcommand(
      "bridge", "Turn a network into attention layers, or a head of a trained Transformer into a network");
  verb->add_option("FILE", arguments->file,
                   "an experiment file with a memory (.toml), or a checkpoint of a Transformer (.h5)")
      ->required();
  verb->add_option("--to", arguments->to,
                   "the file to write: attention layers as .h5, or a network as .toml, its weights beside it")
      ->required();
  verb->add_option("--set", arguments->overrides, "key=value, instead of what the experiment file says")
      ->allow_extra_args(false);
  verb->add_option("--step", arguments->step, "of a network: ms of a layer; default: integrator.step");
  verb->add_option("--gate", arguments->gate,
                   "of a network: gate of its first layer instead of a step; 1: softmax attention");
  verb->add_option("--layers", arguments->layers,
                   "of a network: how many; default: integrator.duration in steps");
  verb->add_flag("--approximate", arguments->approximate,
                 "of a network without exact form: the nearest, and its measured error");
  verb->add_option("--layer", arguments->layer, "of a checkpoint: which layer, from 1 up");
  verb->add_option("--head", arguments->head, "of a checkpoint: which head, from 1 up; default: 1");
  verb->add_option("--token", arguments->token,
                   "of a checkpoint: which token asks, from 0 up; default: the last");
  verb->add_option(
      "--context", arguments->context,
      "of a checkpoint: FILE.h5:VARIABLE, tokens (token, width); default: a test sequence of its run");
  verb->add_option("--test-set", arguments->test_set, "from which test set; default: in_context")
      ->check(CLI::IsMember({"mixed", "in_context", "swapped", "in_weights"}));
  verb->add_option("--sequence", arguments->sequence, "which sequence of it, from 0 up; default: 0")
      ->check(CLI::Range(0, 1 << 30));
  verb->add_option("--tau", arguments->tau, "of a checkpoint: time constant of the network, ms; default: 10");
  verb->add_flag("--residual", arguments->residual, "of a checkpoint: without leak, x + Attn(x)");
  verb->add_flag("--check", arguments->check, "measure how far the two are apart, and print the certificate");
  verb->add_flag("--force", arguments->force, "replace what is there");
  verb->add_flag("--json", arguments->as_json, "print for a machine");
  verb->callback([arguments] {
    if (!fs::exists(arguments->file)) {
      throw UserError({.where = arguments->file,
                       .problem = "there is no such file",
                       .expected = "an experiment file or a checkpoint"});
    }
    print(fs::path(arguments->file).extension() == ".toml" ? network_to_attention(*arguments)
                                                           : head_to_network(*arguments),
          *arguments);
  });
}

}  // namespace ecphory::app
