#include <fstream>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/bridge/attention_file.hpp"
#include "ecphory/bridge/lifted_head.hpp"
#include "ecphory/experiments/icl_transformer/checkpoint.hpp"
#include "ecphory/store/atomic_file.hpp"
#include "ecphory/store/hdf5_read.hpp"

#include "bridge.hpp"

namespace ecphory::app {
namespace {

namespace fs = std::filesystem;
using base::UserError;
using Eigen::MatrixXd;

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
std::string experiment_text(const BridgeArguments& arguments, const std::string& weights,
                            Eigen::Index patterns) {
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

}  // namespace

BridgeReport head_to_network(const BridgeArguments& arguments) {
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
  BridgeReport report{.files = {arguments.to, weights_file.string()}};
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
      .attributes = bridge_provenance(arguments, fmt::format("head {} of layer {}", number, *arguments.layer),
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

}  // namespace ecphory::app
