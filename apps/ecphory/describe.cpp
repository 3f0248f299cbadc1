#include <algorithm>
#include <memory>
#include <optional>

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

/// What is known of a name: a model's equation and source, and every key of an experiment file about it.
struct Description {
  std::string name;
  std::string title;
  std::string equation = {};  ///< of models
  std::string source = {};
  std::vector<base::Parameter> keys = {};
};

Description find(const std::string& name) {
  std::vector<std::string> known;
  std::optional<Description> found;
  for (const models::Model& model : models::all_models()) {
    known.push_back(model.name);
    if (model.name == name) found = {name, model.title, model.equation, model.source, model.parameters};
  }
  for (const sweep::Experiment& experiment : experiments::all_experiments()) {
    if (std::ranges::find(known, experiment.name) == known.end()) known.push_back(experiment.name);
    if (experiment.name != name) continue;
    if (!found) found = {.name = name, .title = experiment.title};
    found->keys = experiment.parameters;
  }
  if (!found) {
    const std::string nearest = base::nearest_name(name, known);
    throw base::UserError({.key = name,
                           .problem = "there is no model or experiment of this name",
                           .expected = fmt::format("one of {}", fmt::join(known, ", ")),
                           .remedy = nearest.empty() ? "" : fmt::format("did you mean {}?", nearest)});
  }
  const std::vector<base::Parameter> of_file = file_parameters();
  found->keys.insert(found->keys.end(), of_file.begin(), of_file.end());
  return *std::move(found);
}

void print_json(const Description& d) {
  nlohmann::json keys = nlohmann::json::array();
  for (const base::Parameter& p : d.keys) {
    keys.push_back({{"key", p.key},
                    {"default", base::to_text(p.default_value)},
                    {"unit", p.unit},
                    {"allowed", base::allowed_text(p)},
                    {"when", p.when},
                    {"meaning", p.meaning}});
  }
  fmt::print("{}\n", nlohmann::json{{"name", d.name},
                                    {"title", d.title},
                                    {"equation", d.equation},
                                    {"source", d.source},
                                    {"keys", keys}}
                         .dump(2));
}

void print_text(const Description& d) {
  fmt::print("{}: {}\n", d.name, d.title);
  if (!d.source.empty()) fmt::print("{}\n", d.source);
  if (!d.equation.empty()) {
    std::string lines = "\n  ";
    for (const char c : d.equation) lines += c == '\n' ? "\n  " : std::string(1, c);
    fmt::print("{}\n", lines);
  }
  fmt::print("\nKeys of an experiment file:\n");
  std::size_t width = 0;
  for (const base::Parameter& p : d.keys) width = std::max(width, p.key.size());
  for (const base::Parameter& p : d.keys) {
    const std::string unit = p.unit == "1" ? "" : " [" + p.unit + "]";
    fmt::print("  {:<{}}  {}{}\n  {:<{}}    default {}; {}\n", p.key, width, p.meaning, unit, "", width,
               base::to_text(p.default_value), base::allowed_text(p));
    if (!p.when.empty()) fmt::print("  {:<{}}    only where {}\n", "", width, p.when);
  }
}

}  // namespace

void add_describe(CLI::App& app, int&) {
  struct Arguments {
    std::string name;
    bool as_json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* const verb = app.add_subcommand(
      "describe",
      "Show a model's equation and source, and every key that a file about it or an experiment takes");
  verb->add_option("NAME", arguments->name, "name of the model or experiment")->required();
  verb->add_flag("--json", arguments->as_json, "print for a machine");
  verb->callback([arguments] {
    const Description description = find(arguments->name);
    arguments->as_json ? print_json(description) : print_text(description);
  });
}

}  // namespace ecphory::app
