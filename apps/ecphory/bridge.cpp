#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ecphory/base/error.hpp"
#include "ecphory/bridge/agreement.hpp"
#include "ecphory/bridge/approximate.hpp"
#include "ecphory/bridge/attention_file.hpp"
#include "ecphory/bridge/lifted_head.hpp"
#include "ecphory/dynamics/certificate.hpp"
#include "ecphory/experiments/icl_transformer/checkpoint.hpp"
#include "ecphory/experiments/memory_runs.hpp"
#include "ecphory/store/atomic_file.hpp"
#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/store/provenance.hpp"

#include "experiment_file.hpp"
#include "verbs.hpp"

namespace ecphory::app {
namespace {

namespace fs = std::filesystem;
using base::UserError;
using Eigen::MatrixXd;
using nlohmann::json;

struct Arguments {
  std::string file;
  std::string to;
  // of a network
  std::vector<std::string> overrides;
  std::optional<double> step;
  std::optional<double> gate;
  std::optional<std::int64_t> layers;
  bool approximate = false;
  // of a checkpoint
  std::optional<std::int64_t> layer;
  std::optional<std::int64_t> head;
  std::optional<std::int64_t> token;
  std::string context;
  std::optional<std::string> test_set;
  std::optional<std::int64_t> sequence;
  std::optional<double> tau;
  bool residual = false;

  bool check = false;
  bool force = false;
  bool as_json = false;
};

/// What the verb says when it is done.
struct Report {
  std::vector<std::string> files = {};
  std::vector<std::string> changes = {};
  std::vector<double> deviation = {};
  std::string certificate = {};
  std::optional<double> effective_beta = {};  ///< of a head
};

void print(const Report& report, const Arguments& arguments) {
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
std::string command_of(const Arguments& a) {
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

store::Attributes provenance(const Arguments& arguments, const std::string& title, std::uint64_t seed) {
  const auto now = std::chrono::system_clock::now();
  return store::attributes_of({.title = title,
                               .experiment = "bridge",
                               .command = command_of(arguments),
                               .seed = seed,
                               .start = now,
                               .end = now});
}

/// (rows, columns) as an array over (dimension, row).
store::LabelledArray columns_of(const std::string& name, const std::string& dimension,
                                const MatrixXd& columns, const std::string& row,
                                const std::string& long_name) {
  return {.name = name,
          .dimensions = {dimension, row},
          .shape = {static_cast<std::size_t>(columns.cols()), static_cast<std::size_t>(columns.rows())},
          .values = std::vector<double>(columns.data(), columns.data() + columns.size()),
          .long_name = long_name};
}

store::LabelledArray deviation_array(const std::vector<double>& deviation) {
  return {
      .name = "deviation",
      .dimensions = {"layer"},
      .shape = {deviation.size()},
      .values = deviation,
      .long_name = "largest difference to the integrated network after each layer, relative to the state"};
}

/// Throws UserError when `path` must not be written, before anything is.
void require_free(const fs::path& path, const Arguments& arguments) {
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

/// Step and depth that the file or the options ask for.
void choose_steps(const Arguments& arguments, const experiments::IntegratorSettings& integrator,
                  const dynamics::Network<double>& network, double& step, std::int64_t& depth,
                  dynamics::Method& method) {
  const bool has_form = integrator.method == dynamics::Method::exponential_euler ||
                        integrator.method == dynamics::Method::euler;
  method = has_form ? integrator.method : dynamics::Method::exponential_euler;
  if (arguments.step && arguments.gate) {
    throw UserError({.key = "--gate", .problem = "and --step say the same", .expected = "one of the two"});
  }
  if (arguments.gate) {
    const double gate = *arguments.gate;
    if (!(gate > 0 && gate <= 1)) {
      throw UserError({.key = "--gate",
                       .problem = fmt::format("{} is no gate", gate),
                       .expected = "a number above 0 and at most 1",
                       .remedy = "1 is the whole step, as in softmax attention"});
    }
    double tau = 0;
    for (const auto& layer : network.layers()) tau = tau == 0 ? layer.tau : tau;
    step = method == dynamics::Method::euler ? gate * tau : -tau * std::log1p(-gate);
  } else if (arguments.step) {
    step = *arguments.step;
  } else if (has_form) {
    step = integrator.step;
  } else {
    throw UserError({.key = "--step",
                     .problem = fmt::format("{} has no step that is an attention layer",
                                            base::name_of(integrator.method)),
                     .expected = "--step MS or --gate G, or integrator.method = \"exponential_euler\"",
                     .remedy = "--gate 1 is softmax attention"});
  }
  const double steps = step > 0 ? integrator.duration / step : 1;
  depth = arguments.layers.value_or(
      std::max<std::int64_t>(1, std::llround(std::min<double>(steps, 2.0 * bridge::kMostLayers))));
}

/// attention_form(), whose refusal says whether --approximate would help.
bridge::AttentionForm<double> form_of(const dynamics::Network<double>& network, double step,
                                      std::int64_t depth, dynamics::Method method, bool approximated) {
  try {
    return bridge::attention_form(network, step, depth, method);
  } catch (const UserError& error) {
    base::Complaint complaint = error.complaint();
    if (complaint.remedy != bridge::kNearestForm) throw;
    complaint.remedy = "change the network";
    if (!approximated) {
      try {
        bridge::attention_form(bridge::nearest_with_attention_form(network).network, step, depth, method);
        complaint.remedy = "--approximate takes the nearest network that has one, and measures the error";
      } catch (const UserError& nearest) {
        complaint.remedy =
            fmt::format("change the network; nor has the nearest one with --approximate ({}: {})",
                        nearest.complaint().key, nearest.complaint().problem);
      }
    }
    throw UserError(complaint);
  }
}

Report from_network(const Arguments& arguments) {
  refuse_for("--layer", arguments.layer.has_value(), "a checkpoint");
  refuse_for("--head", arguments.head.has_value(), "a checkpoint");
  refuse_for("--token", arguments.token.has_value(), "a checkpoint");
  refuse_for("--context", !arguments.context.empty(), "a checkpoint");
  refuse_for("--test-set", arguments.test_set.has_value(), "a checkpoint");
  refuse_for("--sequence", arguments.sequence.has_value(), "a checkpoint");
  refuse_for("--tau", arguments.tau.has_value(), "a checkpoint");
  refuse_for("--residual", arguments.residual, "a checkpoint");
  if (fs::path(arguments.to).extension() != ".h5") {
    throw UserError({.key = "--to",
                     .problem = arguments.to + " is no name of a result file",
                     .expected = "a name that ends in .h5"});
  }
  const Request request = read_request(arguments.file, arguments.overrides);
  const sweep::Plan& plan = request.plan;
  const auto has = [&](const char* key) {
    return std::ranges::find(plan.experiment.parameters, key, &base::Parameter::key) !=
           plan.experiment.parameters.end();
  };
  if (!has("model.name") || !has("task.hidden")) {  // as prepare_memory() reads them
    throw UserError({.where = arguments.file,
                     .key = "experiment",
                     .problem = plan.experiment.name + " has no network of a memory with cues",
                     .expected = "an experiment with model.name, such as relaxation or retrieval"});
  }
  if (plan.size() != 1) {
    throw UserError({.where = arguments.file,
                     .key = "sweep",
                     .problem = fmt::format("there are {} points", plan.size()),
                     .expected = "one point: a file without [sweep]",
                     .remedy = "choose one with --set, in a file that does not sweep"});
  }
  require_free(arguments.to, arguments);
  const base::Point point = plan.point(0);
  const experiments::MemoryRun memory = experiments::prepare_memory(point, plan.random_key(0));
  Report report{.files = {arguments.to}};
  dynamics::Network<double> network = memory.network;
  if (arguments.approximate) {
    auto near = bridge::nearest_with_attention_form(memory.network);
    network = std::move(near.network);
    report.changes = std::move(near.changes);
  }
  double step = 0;
  std::int64_t depth = 1;
  dynamics::Method method{};
  const auto integrator = experiments::integrator_table().read(point);
  choose_steps(arguments, integrator, network, step, depth, method);
  const auto form = form_of(network, step, depth, method, arguments.approximate);
  const MatrixXd initial = bridge::rows_of(form, memory.network, memory.initial);
  const bool exact = report.changes.empty();
  if (arguments.check || !exact) {
    auto finite = form;
    if (!std::isfinite(step)) {
      // A step that leaves nothing of the state: e^−800 is 0.
      double longest = 0;
      for (const auto& layer : network.layers()) longest = std::max(longest, layer.tau);
      finite.step = 800 * longest;
    }
    dynamics::SimulationOptions<double> options = experiments::simulation_options(integrator, {});
    options.convergence.reset();
    options.integrator.key = plan.random_key(0);
    if (exact) {
      options.integrator.method = method;
      options.step = finite.step;
    } else if (!dynamics::traits_of(integrator.method).stochastic) {
      options.integrator.method = dynamics::Method::dormand_prince;  // whatever the layers' steps lose shows
    }
    report.deviation = bridge::deviations(memory.network, finite, memory.initial, options);
    report.certificate = dynamics::certify(memory.network).text();
  }
  // What goes in, and what comes out of the last layer: with these the file can be checked elsewhere.
  attention::StoredAttentionStack<double> stack(form.layer, initial.cols());
  MatrixXd output = initial;
  for (std::int64_t k = 0; k < depth; ++k)
    stack.forward({output.data(), output.rows(), output.cols(), output.rows()});
  store::Dataset more{
      .arrays = {columns_of("initial", "trajectory", initial, "row", "state before the first layer"),
                 columns_of("final", "trajectory", output, "row", "state after the last layer"),
                 columns_of("patterns", "pattern", memory.patterns, "neuron", "stored patterns")},
      .attributes = provenance(arguments, request.title, plan.seed)};
  if (!report.deviation.empty()) more.arrays.push_back(deviation_array(report.deviation));
  if (!exact) {
    more.arrays.push_back({.name = "change",
                           .dimensions = {"change"},
                           .shape = {report.changes.size()},
                           .values = report.changes,
                           .long_name = "what of the network is approximated"});
  }
  bridge::write_attention(arguments.to, form, more);
  return report;
}

/// Tokens (width, tokens) from "FILE.h5:variable", an array (token, width).
MatrixXd read_context(const std::string& text, Eigen::Index width) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) {
    throw UserError({.key = "--context",
                     .problem = text + " names no variable",
                     .expected = "FILE.h5:VARIABLE, an array (token, width)"});
  }
  const store::Dataset data = store::read(text.substr(0, colon));
  const store::LabelledArray* const array = data.find(text.substr(colon + 1));
  std::vector<double> values;
  if (array != nullptr) {
    std::visit(
        [&]<class T>(const T& numbers) {
          if constexpr (std::is_same_v<T, std::vector<double>> || std::is_same_v<T, std::vector<float>> ||
                        std::is_same_v<T, std::vector<std::int64_t>>)
            for (const auto x : numbers) values.push_back(static_cast<double>(x));
        },
        array->values);
  }
  if (values.empty() || array->shape.size() != 2) {
    throw UserError({.key = "--context",
                     .problem = text + " is no array (token, width) of numbers",
                     .expected = fmt::format("one of width {}", width)});
  }
  if (array->shape[1] != static_cast<std::size_t>(width)) {
    throw UserError({.key = "--context",
                     .problem = fmt::format("its tokens have width {}", array->shape[1]),
                     .expected = fmt::format("{}, the width of the checkpoint", width)});
  }
  return Eigen::Map<const MatrixXd>(values.data(), width, static_cast<Eigen::Index>(array->shape[0]));
}

/// An experiment that integrates the head from the token that asks.
std::string experiment_text(const Arguments& arguments, const std::string& weights, Eigen::Index patterns) {
  return fmt::format(
      "# Head {} of layer {} of {}, as a network: from the token that asks to where the head would go.\n"
      "experiment = \"relaxation\"\n"
      "title = \"Head {} of layer {}\"\n\n"
      "[model]\nname = \"attention\"\nfile = {}\n\n"
      "# The token that asks, then what each token of the context would write.\n"
      "[task]\nfile = {}\npatterns = {}\ncues = 1\ndamage = \"noise\"\nlevel = 0.0\n\n"
      "[integrator]\nduration = {}\n",
      arguments.head.value_or(1), *arguments.layer, arguments.file, arguments.head.value_or(1),
      *arguments.layer, base::to_text(weights), base::to_text(weights + ":patterns"), patterns,
      base::to_text(20 * arguments.tau.value_or(10)));
}

Report from_checkpoint(const Arguments& arguments) {
  refuse_for("--set", !arguments.overrides.empty(), "an experiment file");
  refuse_for("--step", arguments.step.has_value(), "an experiment file");
  refuse_for("--gate", arguments.gate.has_value(), "an experiment file");
  refuse_for("--layers", arguments.layers.has_value(), "an experiment file");
  refuse_for("--approximate", arguments.approximate, "an experiment file");
  if (!arguments.layer) {
    throw UserError({.key = "--layer",
                     .problem = "which layer of the checkpoint is not said",
                     .expected = "--layer L, from 1 up"});
  }
  if (fs::path(arguments.to).extension() != ".toml") {
    throw UserError({.key = "--to",
                     .problem = arguments.to + " is no name of an experiment file",
                     .expected = "a name that ends in .toml; the weights go into NAME.weights.h5 beside it"});
  }
  const double tau = arguments.tau.value_or(10);
  const std::int64_t number = arguments.head.value_or(1);
  if (!(tau > 0 && tau <= 1e9)) {
    throw UserError({.key = "--tau",
                     .problem = fmt::format("{} is not allowed", tau),
                     .expected = "a number > 0 and at most 1e9, in ms"});
  }
  if (arguments.token.value_or(0) < 0) {
    throw UserError({.key = "--token",
                     .problem = fmt::format("there is no token {}", *arguments.token),
                     .expected = "a number from 0 up"});
  }
  refuse_for("--test-set", !arguments.context.empty() && arguments.test_set.has_value(), "no --context");
  refuse_for("--sequence", !arguments.context.empty() && arguments.sequence.has_value(), "no --context");
  const fs::path weights_file = fs::path(arguments.to).replace_extension(".weights.h5");
  require_free(arguments.to, arguments);
  require_free(weights_file, arguments);
  const auto trained = experiments::icl::read_trained(arguments.file);
  attention::StackShape shape = trained.shape.stack;
  MatrixXd tokens;
  if (arguments.context.empty()) {
    const auto sets = tasks::names(tasks::TestSet{});
    const auto set = std::ranges::find(sets, arguments.test_set.value_or("in_context"));
    base::ensure(set != sets.end(), "the option takes names of test sets alone");
    tokens = experiments::icl::sequences_of(trained, static_cast<tasks::TestSet>(set - sets.begin()),
                                            arguments.sequence.value_or(0), 1);
  } else {
    tokens = read_context(arguments.context, shape.width);
    shape.tokens = tokens.cols();
  }
  const compute::TensorLayout layout = trained.shape.layout();
  const compute::Tensors<const double> weights{&layout,
                                               {trained.weights.data(), layout.size(), 1, layout.size()}};
  bridge::LiftedHead head;
  try {
    head = bridge::lift(shape, weights, {tokens.data(), tokens.rows(), tokens.cols(), tokens.rows()},
                        *arguments.layer, number, arguments.token.value_or(-1));
  } catch (const UserError& error) {
    base::Complaint complaint = error.complaint();
    complaint.key = "--" + complaint.key;
    complaint.where = arguments.file;
    throw UserError(complaint);
  }
  const auto network = bridge::network_of(head, tau, arguments.residual);
  // Forward Euler with the step tau has the gate 1: one layer is the head.
  const auto form = bridge::attention_form(network, tau, 1, dynamics::Method::euler);
  Report report{.files = {arguments.to, weights_file.string()}};
  const MatrixXd state = head.state;
  MatrixXd after = state;
  attention::StoredAttentionStack<double>(form.layer, 1)
      .forward({after.data(), after.rows(), 1, after.rows()});
  MatrixXd stored(state.rows(), 1 + head.tokens);
  stored << head.state, head.values;
  if (arguments.check) {
    const MatrixXd expected = arguments.residual ? MatrixXd(state + head.output) : head.output;
    const double size = expected.norm();
    report.deviation = {(after - expected).norm() / (size > 0 ? size : 1)};
    report.certificate = bridge::certify(head, 0).text();
    report.effective_beta = bridge::effective_beta(head, 0);
  }
  store::Dataset more{
      .arrays = {columns_of("patterns", "pattern", stored, "row",
                            "the token that asks, then what each token of the context would write"),
                 columns_of("initial", "trajectory", state, "row", "the token that asks"),
                 columns_of("final", "trajectory", after, "row", "after the layer"),
                 columns_of("output", "trajectory", head.output, "row",
                            "what the head writes for that token"),
                 columns_of("context", "token", tokens, "row", "tokens that the first layer gets")},
      .attributes = provenance(arguments, fmt::format("head {} of layer {}", number, *arguments.layer),
                               trained.key.seed)};
  more.attributes.emplace_back("certificate", bridge::certify(head, 0).text());
  more.attributes.emplace_back("effective_beta", bridge::effective_beta(head, 0));
  bridge::write_attention(weights_file, form, more);
  store::AtomicFile file(arguments.to);
  std::ofstream text(file.part());
  text << experiment_text(arguments, weights_file.string(), 1 + head.tokens);
  text.close();
  if (!text) {
    throw UserError(
        {.key = arguments.to, .problem = "it could not be written", .expected = "a place that takes it"});
  }
  file.commit(store::Existing::replace);
  return report;
}

}  // namespace

void add_bridge(CLI::App& app, int&) {
  auto arguments = std::make_shared<Arguments>();
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
    print(fs::path(arguments->file).extension() == ".toml" ? from_network(*arguments)
                                                           : from_checkpoint(*arguments),
          *arguments);
  });
}

}  // namespace ecphory::app
