#include "checkpoint.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "ecphory/attention/tokens.hpp"
#include "ecphory/base/error.hpp"
#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/training/checkpoint.hpp"
#include "ecphory/training/optimiser.hpp"

namespace ecphory::experiments::icl {

namespace {

/// Keys of the model under the names that they have in a checkpoint.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kModelNames = {
    {{"layers", "model.layers"},
     {"heads", "model.heads"},
     {"stream", "model.stream"},
     {"stream_source", "model.source"},
     {"stream_mix", "model.mix"},
     {"mlp_layers", "model.mlp_layers"}}};

store::Attribute attribute_of(const base::Value& value) {
  return std::visit(
      []<class T>(const T& x) -> store::Attribute {
        if constexpr (std::is_same_v<T, bool>) {
          return std::int64_t{x ? 1 : 0};
        } else {
          return x;
        }
      },
      value);
}

/// A setting as an attribute holds it; in the type of the parameter's default.
base::Value value_of(const base::Parameter& parameter, const store::Attribute& attribute) {
  const auto* const whole = std::get_if<std::int64_t>(&attribute);
  if (std::holds_alternative<bool>(parameter.default_value) && whole != nullptr) return *whole != 0;
  if (whole != nullptr) return *whole;
  if (const auto* const real = std::get_if<double>(&attribute)) return *real;
  if (const auto* const text = std::get_if<std::string>(&attribute)) return *text;
  throw base::UserError({.key = parameter.key, .problem = "it is a list", .expected = "one value"});
}

template <class Real>
void read_weights(const std::filesystem::path& path, const store::Attributes& model, Trained& trained) {
  const auto state = training::read_checkpoint<Real>(path, trained.shape.layout(), model);
  trained.weights.assign(state.weights.begin(), state.weights.end());
  trained.step = static_cast<std::int64_t>(state.step);
}

}  // namespace

store::Attributes description(const base::Point& point, const base::RandomKey& key) {
  const auto task = tasks::gaussian_mixture_table().read(point);
  store::Attributes all = {{"model", std::string("icl_transformer")}};
  for (const auto& [name, setting] : kModelNames)
    all.emplace_back(name, attribute_of(point.at(std::string(setting))));
  all.emplace_back("positions", 2 * task.most_pairs + 1);
  all.emplace_back("content", task.dimension);
  all.emplace_back("labels", task.labels);
  all.emplace_back("method", base::name_of(training::optimiser_table().read(point).method));
  all.emplace_back("precision", base::name_of(run_table().read(point).precision));
  for (const base::Parameter& parameter : tasks::gaussian_mixture_table().parameters())
    all.emplace_back(parameter.key, attribute_of(point.at(parameter.key)));
  all.emplace_back("seed", static_cast<std::int64_t>(key.seed));
  all.emplace_back("point", static_cast<std::int64_t>(key.point));
  all.emplace_back("replicate", std::int64_t{key.replicate});
  return all;
}

Trained read_trained(const std::filesystem::path& path) {
  const store::Attributes all = store::Reader(path).layout().attributes;
  const auto find = [&](std::string_view name) -> const store::Attribute& {
    for (const auto& [key, value] : all) {
      if (key == name) return value;
    }
    throw base::UserError({.where = path.string(),
                           .problem = fmt::format("it has no attribute {}", name),
                           .expected = "a checkpoint of the experiment icl_transformer",
                           .remedy = "run it with training.checkpoints = \"FOLDER\""});
  };
  if (const auto* const model = std::get_if<std::string>(&find("model"));
      model == nullptr || *model != "icl_transformer") {
    throw base::UserError({.where = path.string(),
                           .problem = "it is of another model",
                           .expected = "a checkpoint of the experiment icl_transformer"});
  }
  base::Point point;
  const auto take = [&](const base::Parameter& parameter, std::string_view name) {
    point[parameter.key] = value_of(parameter, find(name));
  };
  for (const base::Parameter& parameter : models::icl_transformer_table().parameters())
    point[parameter.key] = parameter.default_value;
  for (const auto& [name, setting] : kModelNames)
    take(base::find_parameter(models::icl_transformer_table().parameters(), std::string(setting)), name);
  for (const base::Parameter& parameter : tasks::gaussian_mixture_table().parameters())
    take(parameter, parameter.key);
  const auto whole = [&](std::string_view name) {
    const auto* const number = std::get_if<std::int64_t>(&find(name));
    if (number == nullptr) {
      throw base::UserError({.where = path.string(),
                             .problem = fmt::format("its attribute {} is no whole number", name),
                             .expected = "a checkpoint as it was written"});
    }
    return *number;
  };
  Trained trained;
  trained.task = tasks::gaussian_mixture_table().read(point);
  trained.shape =
      models::shape_of(models::icl_transformer_table().read(point), 2 * trained.task.most_pairs + 1,
                       trained.task.dimension, 2 * trained.task.pairs + 1, trained.task.labels);
  trained.key = {.seed = static_cast<std::uint64_t>(whole("seed")),
                 .point = static_cast<std::uint64_t>(whole("point")),
                 .replicate = static_cast<std::uint32_t>(whole("replicate"))};
  const store::Attributes model = {{"model", std::string("icl_transformer")}};
  if (find("precision") == store::Attribute(std::string("double"))) {
    read_weights<double>(path, model, trained);
  } else {
    read_weights<float>(path, model, trained);
  }
  return trained;
}

Eigen::MatrixXd sequences_of(const Trained& trained, tasks::TestSet set, std::int64_t first, std::int64_t n) {
  const tasks::GaussianMixture<double> mixture = tasks::draw_mixture<double>(trained.task, trained.key);
  const tasks::MixtureRun<double> run{
      .parameters = tasks::parameters_of(set, trained.task), .mixture = &mixture, .key = trained.key};
  const tasks::MixtureSampler<double> sampler({&run, 1}, tasks::purpose_of(set));
  tasks::InContextBatch<double> batch(trained.task, 1, n);
  const std::vector<std::uint64_t> no_step = {0};
  sampler.draw(std::span<const std::uint64_t>(no_step), static_cast<std::uint32_t>(first), batch);
  const attention::PositionedTokens<double> tokens{trained.shape.positions, trained.shape.stack.tokens,
                                                   batch.content, batch.shift};
  Eigen::MatrixXd x(tokens.width(), batch.content.columns());
  attention::write_out<double>(tokens, {x.data(), x.rows(), x.cols(), x.rows()});
  return x;
}

}  // namespace ecphory::experiments::icl
