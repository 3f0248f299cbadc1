#include "experiment_file.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/nearest.hpp"
#include "ecphory/experiments/experiments.hpp"

#include "sweep_text.hpp"
#include "toml_value.hpp"

namespace ecphory::app {
namespace {

using base::Complaint;
using base::UserError;
using base::Value;

const base::ParameterTable<FileParameters>& file_table() {
  using P = FileParameters;
  static const auto table =
      base::ParameterTable<P>("")
          .add("experiment", &P::experiment, "1", "the kind of experiment")
          .add("title", &P::title, "1", "title of the results; the experiment's own if empty")
          .add("seed", &P::seed, "1", "master seed of all random numbers", base::at_least(0));
  return table;
}

const base::ParameterTable<FileParameters>& record_table() {
  using P = FileParameters;
  static const auto table =
      base::ParameterTable<P>("record")
          .add("precision", &P::precision, "1", "how reals are stored", {.choices = {"double", "single"}})
          .add("gzip", &P::gzip, "1", "compression level, 0 is off", base::between(0, 9));
  return table;
}

/// One `key = value` of the file, with nested tables flattened to dotted keys.
struct Entry {
  std::string key;
  Value value;
  std::string where;
};

/// What a file says, before any key of an experiment is looked at.
struct FileText {
  std::vector<Entry> entries;
  SweepText sweep;
};

constexpr std::string_view kSweep = "sweep";

[[noreturn]] void complain(const std::string& where, const std::string& key, Complaint complaint) {
  complaint.where = where;
  complaint.key = key;
  throw UserError(std::move(complaint));
}

void flatten(const toml::table& table, const std::string& prefix, const Where& where,
             std::vector<Entry>& entries) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (key == kSweep) continue;
    if (const toml::table* const inner = node.as_table()) {
      flatten(*inner, key + ".", where, entries);
    } else if (std::optional<Value> value = scalar_of(node)) {
      entries.push_back({key, std::move(*value), where(node)});
    } else {
      complain(where(node), key,
               {.problem = "a setting has one value",
                .expected = "true, a number or a string",
                .remedy = "sweep over several values in [sweep]"});
    }
  }
}

FileText read_text(const toml::table& table, const std::string& name) {
  const Where where = [&](const toml::node& node) {
    return fmt::format("{}:{}", name, node.source().begin.line);
  };
  FileText text;
  flatten(table, "", where, text.entries);
  if (const toml::node* const sweep = table.get(kSweep)) {
    if (!sweep->is_table())
      complain(where(*sweep), "sweep", {.problem = "is no section", .expected = "[sweep] and axes below it"});
    text.sweep = parse_sweep(*sweep->as_table(), where);
  }
  return text;
}

template <class Parse>
FileText parse_text(const std::string& name, const Parse& parse) {
  toml::table table;
  try {
    table = parse();
  } catch (const toml::parse_error& error) {
    throw UserError({.where = fmt::format("{}:{}", name, error.source().begin.line),
                     .problem = std::string(error.description()),
                     .expected = "TOML (toml.io)"});
  }
  return read_text(table, name);
}

/// Applies "key=value", the value in TOML or a bare word.
void override_text(const std::string& override_option, FileText& text) {
  const std::string where = "--set " + override_option;
  const std::size_t equals = override_option.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UserError(
        {.where = where, .problem = "this sets nothing", .expected = "key=value, such as model.a=1.5"});
  }
  const std::string key = override_option.substr(0, equals);
  const std::string value = override_option.substr(equals + 1);
  toml::table table;
  try {
    table = toml::parse("value = " + value);
  } catch (const toml::parse_error&) {
    table = toml::table{{"value", value}};  // a bare word: --set model.similarity=dot
  }
  const toml::node& node = *table.get("value");
  if (key.starts_with("sweep.")) return override_sweep(key, node, where, text.sweep);
  std::optional<Value> scalar = scalar_of(node);
  if (!scalar) complain(where, key, {.problem = "this is no value for that key", .expected = "one value"});
  const auto same = std::ranges::find(text.entries, key, &Entry::key);
  if (same != text.entries.end()) {
    *same = {key, std::move(*scalar), where};
  } else {
    text.entries.push_back({key, std::move(*scalar), where});
  }
}

sweep::Experiment experiment_of(const std::vector<Entry>& entries, const std::string& file) {
  std::vector<std::string> known;
  for (const sweep::Experiment& experiment : experiments::all_experiments()) known.push_back(experiment.name);
  const auto entry = std::ranges::find(entries, std::string("experiment"), &Entry::key);
  const std::string expected = fmt::format("one of {}", fmt::join(known, ", "));
  if (entry == entries.end()) {
    complain(file, "experiment",
             {.problem = "the file does not say which experiment it is",
              .expected = expected,
              .remedy = fmt::format("begin it with: experiment = \"{}\"", known.front())});
  }
  const auto* const name = std::get_if<std::string>(&entry->value);
  for (const sweep::Experiment& experiment : experiments::all_experiments()) {
    if (name != nullptr && experiment.name == *name) return experiment;
  }
  const std::string nearest = name == nullptr ? "" : base::nearest_name(*name, known);
  complain(entry->where, "experiment",
           {.problem = name == nullptr ? "must be a string" : fmt::format("\"{}\" is not known", *name),
            .expected = expected,
            .remedy = nearest.empty() ? "" : fmt::format("did you mean \"{}\"?", nearest)});
}

/// The resolved file: settings by section, then the sweep. `given` are the experiment's settings that the
/// user gave: some points may have them of a key that others sweep.
std::string config_of(const base::Point& file_settings, const base::Point& given, const sweep::Plan& plan,
                      const SweepText& sweep) {
  std::map<std::string, base::Point> sections;
  const auto add = [&](const base::Point& settings) {
    for (const auto& [key, value] : settings) {
      const std::size_t dot = key.find('.');
      const bool top = dot == std::string::npos;
      sections[top ? "" : key.substr(0, dot)][top ? key : key.substr(dot + 1)] = value;
    }
  };
  add(file_settings);
  add(plan.settings);
  add(given);
  std::string text;
  for (const auto& [section, settings] : sections) {
    if (!section.empty()) text += fmt::format("\n[{}]\n", section);
    for (const auto& [name, value] : settings) text += fmt::format("{} = {}\n", name, base::to_text(value));
  }
  return text + to_text(sweep);
}

/// Adds to a complaint about `key` where that key stands.
Complaint located(Complaint complaint, const FileText& text, const std::string& file) {
  complaint.where = file;
  const auto entry = std::ranges::find(text.entries, complaint.key, &Entry::key);
  if (entry != text.entries.end()) {
    complaint.where = entry->where;
    return complaint;
  }
  for (const std::string& key : {complaint.key, "sweep." + complaint.key}) {
    const auto place = text.sweep.where.find(key);
    if (place == text.sweep.where.end()) continue;
    complaint.where = place->second;
    complaint.key = key;
    break;
  }
  return complaint;
}

/// What is recorded is the same at every point.
void ensure_not_swept(const SweepText& text) {
  for (const auto& [key, place] : text.where) {
    if (!key.starts_with("sweep.record.")) continue;
    throw UserError({.key = key,
                     .problem = "what is recorded cannot be swept",
                     .expected = "the same arrays at every point",
                     .remedy = fmt::format("set {} to one value", key.substr(kSweep.size() + 1))});
  }
}

/// Turns a text into a request; complaints carry keys, not places.
Request interpret(const sweep::Experiment& experiment, const FileText& text, sweep::PointCheck check) {
  const std::vector<base::Parameter> of_file = file_parameters();
  std::vector<base::Parameter> all = of_file;
  all.insert(all.end(), experiment.parameters.begin(), experiment.parameters.end());

  base::Point file_settings;
  for (const base::Parameter& parameter : of_file) file_settings[parameter.key] = parameter.default_value;
  base::Point settings;
  for (const Entry& entry : text.entries) {
    const Value value = base::checked(base::find_parameter(all, entry.key), entry.value);
    (file_settings.contains(entry.key) ? file_settings : settings)[entry.key] = value;
  }
  ensure_not_swept(text.sweep);

  const FileParameters of_record = record_table().read(file_settings);
  const FileParameters of_top = file_table().read(file_settings);
  Request request;
  request.plan = sweep::make_plan(experiment, static_cast<std::uint64_t>(of_top.seed), settings,
                                  space_of(text.sweep), text.sweep.replicates, text.sweep.stop, check);
  request.title = of_top.title.empty() ? experiment.title : of_top.title;
  request.write.float32 = of_record.precision == "single";
  request.write.gzip = static_cast<int>(of_record.gzip);
  request.config = config_of(file_settings, settings, request.plan, text.sweep);
  return request;
}

Request request_of(const FileText& text, const std::string& name, sweep::PointCheck check) {
  const sweep::Experiment experiment = experiment_of(text.entries, name);
  try {
    return interpret(experiment, text, check);
  } catch (const UserError& error) {
    throw UserError(located(error.complaint(), text, name));
  }
}

}  // namespace

std::vector<base::Parameter> file_parameters() {
  std::vector<base::Parameter> parameters = file_table().parameters();
  const auto& record = record_table().parameters();
  parameters.insert(parameters.end(), record.begin(), record.end());
  return parameters;
}

Request read_request(const std::filesystem::path& file, const std::vector<std::string>& overrides,
                     sweep::PointCheck check) {
  if (!std::filesystem::is_regular_file(file)) {
    throw UserError({.where = file.string(),
                     .problem = "there is no such experiment file",
                     .remedy = "give the path of a TOML file, such as experiments/amicl/accuracy.toml"});
  }
  FileText text = parse_text(file.string(), [&] { return toml::parse_file(file.string()); });
  for (const std::string& option : overrides) override_text(option, text);
  return request_of(text, file.string(), check);
}

Request request_of_config(const std::string& config, const std::string& name) {
  return request_of(parse_text(name, [&] { return toml::parse(config); }), name, sweep::PointCheck::no);
}

}  // namespace ecphory::app
