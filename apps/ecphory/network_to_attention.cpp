#include <cmath>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/bridge/agreement.hpp"
#include "ecphory/bridge/approximate.hpp"
#include "ecphory/bridge/attention_file.hpp"
#include "ecphory/dynamics/certificate.hpp"
#include "ecphory/experiments/memory_runs.hpp"

#include "bridge.hpp"
#include "experiment_file.hpp"

namespace ecphory::app {
namespace {

namespace fs = std::filesystem;
using base::UserError;
using Eigen::MatrixXd;

store::LabelledArray deviation_array(const std::vector<double>& deviation) {
  return {
      .name = "deviation",
      .dimensions = {"layer"},
      .shape = {deviation.size()},
      .values = deviation,
      .long_name = "largest difference to the integrated network after each layer, relative to the state"};
}

/// Step and depth that the file or the options ask for.
void choose_steps(const BridgeArguments& arguments, const experiments::IntegratorSettings& integrator,
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

}  // namespace

BridgeReport network_to_attention(const BridgeArguments& arguments) {
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
  BridgeReport report{.files = {arguments.to}};
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
      .attributes = bridge_provenance(arguments, request.title, plan.seed)};
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

}  // namespace ecphory::app
