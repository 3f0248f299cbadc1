#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "ecphory/base/error.hpp"
#include "ecphory/base/nearest.hpp"
#include "ecphory/experiments/experiments.hpp"
#include "ecphory/models/models.hpp"

#include "experiment_file.hpp"
#include "verbs.hpp"

namespace ecphory::app {
namespace {

const models::Model& find_model(const std::string& name) {
  std::vector<std::string> known;
  for (const models::Model& model : models::all_models()) {
    if (model.name == name) return model;
    known.push_back(model.name);
  }
  const std::string nearest = base::nearest_name(name, known);
  throw base::UserError({.key = name,
                         .problem = "there is no model of this name",
                         .expected = fmt::format("one of {}", fmt::join(known, ", ")),
                         .remedy = nearest.empty() ? "" : fmt::format("did you mean {}?", nearest)});
}

/// Every key of an experiment file about that model: the experiment's where there is one of that name.
std::vector<base::Parameter> keys_of(const models::Model& model) {
  std::vector<base::Parameter> keys = model.parameters;
  for (const sweep::Experiment& experiment : experiments::all_experiments()) {
    if (experiment.name == model.name) keys = experiment.parameters;
  }
  const std::vector<base::Parameter> of_file = file_parameters();
  keys.insert(keys.end(), of_file.begin(), of_file.end());
  return keys;
}

void print_json(const models::Model& model) {
  nlohmann::json keys = nlohmann::json::array();
  for (const base::Parameter& p : keys_of(model)) {
    keys.push_back({{"key", p.key},
                    {"default", base::to_text(p.default_value)},
                    {"unit", p.unit},
                    {"allowed", base::allowed_text(p)},
                    {"meaning", p.meaning}});
  }
  fmt::print("{}\n", nlohmann::json{{"name", model.name},
                                    {"title", model.title},
                                    {"equation", model.equation},
                                    {"source", model.source},
                                    {"keys", keys}}
                         .dump(2));
}

void print_text(const models::Model& model) {
  fmt::print("{}: {}\n{}\n\n", model.name, model.title, model.source);
  std::string line = "  ";
  for (const char c : model.equation) line += c == '\n' ? "\n  " : std::string(1, c);
  fmt::print("{}\n\nKeys of an experiment file:\n", line);
  const std::vector<base::Parameter> keys = keys_of(model);
  std::size_t width = 0;
  for (const base::Parameter& p : keys) width = std::max(width, p.key.size());
  for (const base::Parameter& p : keys) {
    const std::string unit = p.unit == "1" ? "" : " [" + p.unit + "]";
    fmt::print("  {:<{}}  {}{}\n  {:<{}}    default {}; {}\n", p.key, width, p.meaning, unit, "", width,
               base::to_text(p.default_value), base::allowed_text(p));
  }
}

}  // namespace

void add_describe(CLI::App& app, int&) {
  struct Arguments {
    std::string model;
    bool as_json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* const verb =
      app.add_subcommand("describe", "Show a model's equation, source and every key it takes");
  verb->add_option("MODEL", arguments->model, "name of the model")->required();
  verb->add_flag("--json", arguments->as_json, "print for a machine");
  verb->callback([arguments] {
    const models::Model& model = find_model(arguments->model);
    arguments->as_json ? print_json(model) : print_text(model);
  });
}

}  // namespace ecphory::app
