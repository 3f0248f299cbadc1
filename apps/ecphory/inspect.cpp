#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "ecphory/base/error.hpp"
#include "ecphory/store/hdf5_read.hpp"

#include "verbs.hpp"

namespace ecphory::app {
namespace {

using nlohmann::json;

std::string type_name(const store::Values& values) {
  static constexpr std::array<const char*, 5> kNames = {"float64", "float32", "int64", "uint8", "string"};
  return kNames.at(values.index());  // what is read is neither spooled nor streamed
}

json json_of(const store::Attribute& attribute) {
  return std::visit([](const auto& value) { return json(value); }, attribute);
}

const std::string& config_of(const store::Dataset& dataset, const std::string& file) {
  const store::LabelledArray* const config = dataset.find("config");
  const auto* const text =
      config == nullptr ? nullptr : std::get_if<std::vector<std::string>>(&config->values);
  if (text == nullptr || text->empty()) {
    throw base::UserError({.where = file,
                           .key = "config",
                           .problem = "the file has no configuration in it",
                           .expected = "a file that ecphory run has written"});
  }
  return text->front();
}

void print_json(const store::Dataset& dataset) {
  json attributes = json::object();
  for (const auto& [name, value] : dataset.attributes) attributes[name] = json_of(value);
  json variables = json::array();
  for (const store::LabelledArray& array : dataset.arrays) {
    variables.push_back({{"name", array.name},
                         {"dimensions", array.dimensions},
                         {"shape", array.shape},
                         {"type", type_name(array.values)},
                         {"units", array.units},
                         {"long_name", array.long_name},
                         {"coordinate", array.is_coordinate()}});
  }
  fmt::print("{}\n", json{{"attributes", attributes}, {"variables", variables}}.dump(2));
}

void print_arrays(const store::Dataset& dataset, bool coordinates) {
  for (const store::LabelledArray& array : dataset.arrays) {
    if (array.is_coordinate() != coordinates) continue;
    std::string axes;
    for (std::size_t i = 0; i < array.dimensions.size(); ++i) {
      axes += fmt::format("{}{}: {}", i == 0 ? "" : ", ", array.dimensions[i], array.shape[i]);
    }
    fmt::print("  {:<32} {:<8} [{}]  {}\n", fmt::format("{} ({})", array.name, axes), type_name(array.values),
               array.units, array.long_name);
  }
}

void print_text(const store::Dataset& dataset) {
  for (const auto& [name, value] : dataset.attributes) fmt::print("{:<16} {}\n", name, json_of(value).dump());
  fmt::print("\ncoordinates\n");
  print_arrays(dataset, true);
  fmt::print("\nvariables\n");
  print_arrays(dataset, false);
}

}  // namespace

void add_inspect(CLI::App& app, int&) {
  struct Arguments {
    std::string file;
    bool config = false;
    bool as_json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* const verb = app.add_subcommand("inspect", "Show what a result file holds");
  verb->add_option("FILE.h5", arguments->file, "a result file")->required();
  verb->add_flag("--config", arguments->config, "print the experiment file that made it, every key resolved");
  verb->add_flag("--json", arguments->as_json, "print for a machine");
  verb->callback([arguments] {
    const store::Dataset dataset = store::read(arguments->file, "/", 1);
    if (arguments->config) {
      fmt::print("{}", config_of(dataset, arguments->file));
    } else {
      arguments->as_json ? print_json(dataset) : print_text(dataset);
    }
  });
}

}  // namespace ecphory::app
