#include "experiment_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#define TOML_EXCEPTIONS 1
#include <algorithm>
#include <map>
#include <optional>

#include <toml++/toml.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/nearest.hpp"
#include "ecphory/experiments/experiments.hpp"

#include "axis_text.hpp"

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
  std::variant<Value, AxisText> value;
  std::string where;
  toml::source_position position = {};  ///< in the file, for the order of the axes
};

constexpr std::string_view kSweep = "sweep.";
constexpr std::string_view kReplicates = "sweep.replicates";

[[noreturn]] void complain(const std::string& where, const std::string& key, Complaint complaint) {
  complaint.where = where;
  complaint.key = key;
  throw UserError(std::move(complaint));
}

std::optional<Value> scalar_of(const toml::node& node) {
  if (const auto* const b = node.as_boolean()) return b->get();
  if (const auto* const n = node.as_integer()) return n->get();
  if (const auto* const x = node.as_floating_point()) return x->get();
  if (const auto* const s = node.as_string()) return s->get();
  return std::nullopt;
}

AxisText axis_of(const toml::table& table, const std::string& key, const std::string& where) {
  const std::string expected =
      "{values = […]}, {linspace = [first, last, n]} or {logspace = [first, last, n]}";
  if (table.size() != 1)
    complain(where, key, {.problem = "an axis is written in one way", .expected = expected});
  const auto only = table.begin();
  const std::string name(only->first.str());
  const toml::node& node = only->second;
  if (std::ranges::find(axis_kinds(), name) == axis_kinds().end()) {
    const std::string nearest = base::nearest_name(name, axis_kinds());
    complain(where, key,
             {.problem = fmt::format("\"{}\" is no way to write an axis", name),
              .expected = expected,
              .remedy = nearest.empty() ? "" : fmt::format("did you mean {}?", nearest)});
  }
  const toml::array* const list = node.as_array();
  if (list == nullptr) complain(where, key, {.problem = "an axis needs a list", .expected = expected});
  AxisText axis{name, {}};
  for (const toml::node& element : *list) {
    std::optional<Value> value = scalar_of(element);
    if (!value) complain(where, key, {.problem = "an axis lists single values", .expected = expected});
    axis.arguments.push_back(std::move(*value));
  }
  return axis;
}

/// Whether the table of `key` inside [sweep] is an axis, and not a section with axes in it.
bool is_axis(const toml::table& table, const std::string& key) {
  if (table.empty()) return true;
  const bool setting = key.find('.', kSweep.size()) != std::string::npos;
  return std::ranges::any_of(table, [&](const auto& entry) {
    return std::ranges::find(axis_kinds(), entry.first.str()) != axis_kinds().end() ||
           (setting && !entry.second.is_table());
  });
}

template <class Where>
void flatten(const toml::table& table, const std::string& prefix, const Where& where,
             std::vector<Entry>& entries) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    const bool swept = key.starts_with(kSweep);
    if (const toml::table* const inner = node.as_table()) {
      if (swept && is_axis(*inner, key)) {
        entries.push_back({key, axis_of(*inner, key, where(node)), where(node), node.source().begin});
      } else {
        flatten(*inner, key + ".", where, entries);
      }
    } else if (std::optional<Value> value = scalar_of(node); value && (!swept || key == kReplicates)) {
      entries.push_back({key, std::move(*value), where(node), node.source().begin});
    } else {
      complain(where(node), key,
               {.problem = swept ? "this is not an axis" : "a setting has one value",
                .expected =
                    swept ? "{values = […]}, {linspace = [first, last, n]} or {logspace = [first, last, n]}"
                          : "true, a number or a string",
                .remedy = swept ? "" : "sweep over several values in [sweep]"});
    }
  }
}

std::vector<Entry> entries_of_file(const std::filesystem::path& file) {
  if (!std::filesystem::is_regular_file(file)) {
    throw UserError({.where = file.string(),
                     .problem = "there is no such experiment file",
                     .remedy = "give the path of a TOML file, such as experiments/amicl/accuracy.toml"});
  }
  toml::table table;
  try {
    table = toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    throw UserError({.where = fmt::format("{}:{}", file.string(), error.source().begin.line),
                     .problem = std::string(error.description()),
                     .expected = "TOML (toml.io)"});
  }
  const auto where = [&](const toml::node& node) {
    return fmt::format("{}:{}", file.string(), node.source().begin.line);
  };
  std::vector<Entry> entries;
  flatten(table, "", where, entries);
  std::ranges::sort(entries, {},
                    [](const Entry& e) { return std::pair(e.position.line, e.position.column); });
  return entries;
}

/// "key=value" as an entry.
Entry entry_of_override(const std::string& text) {
  const std::string where = "--set " + text;
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UserError(
        {.where = where, .problem = "this sets nothing", .expected = "key=value, such as model.a=1.5"});
  }
  const std::string key = text.substr(0, equals);
  const std::string value = text.substr(equals + 1);
  toml::table table;
  try {
    table = toml::parse("value = " + value);
  } catch (const toml::parse_error&) {
    table = toml::table{{"value", value}};  // a bare word: --set model.similarity=dot
  }
  const toml::node& node = *table.get("value");
  if (key.starts_with(kSweep) && node.is_table())
    return {key, axis_of(*node.as_table(), key, where), where, {}};
  std::optional<Value> scalar = scalar_of(node);
  if (!scalar || (key.starts_with(kSweep) && key != kReplicates)) {
    complain(where, key,
             {.problem = "this is no value for that key",
              .expected = "one value, or for a key of [sweep] an axis such as {values=[1, 2]}"});
  }
  return {key, std::move(*scalar), where, {}};
}

void put(const Entry& override_entry, std::vector<Entry>& entries) {
  const auto same = std::ranges::find(entries, override_entry.key, &Entry::key);
  if (same != entries.end()) {
    *same = override_entry;
  } else {
    entries.push_back(override_entry);
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
  const auto* const value = std::get_if<Value>(&entry->value);
  const auto* const name = value == nullptr ? nullptr : std::get_if<std::string>(value);
  for (const sweep::Experiment& experiment : experiments::all_experiments()) {
    if (name != nullptr && experiment.name == *name) return experiment;
  }
  const std::string nearest = name == nullptr ? "" : base::nearest_name(*name, known);
  complain(entry->where, "experiment",
           {.problem = name == nullptr ? "must be a string" : fmt::format("\"{}\" is not known", *name),
            .expected = expected,
            .remedy = nearest.empty() ? "" : fmt::format("did you mean \"{}\"?", nearest)});
}

/// The resolved file: settings by section, then the axes.
std::string config_of(const base::Point& file_settings, const sweep::Plan& plan,
                      const std::vector<Entry>& axes) {
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
  std::string text;
  for (const auto& [section, settings] : sections) {
    if (!section.empty()) text += fmt::format("\n[{}]\n", section);
    for (const auto& [name, value] : settings) text += fmt::format("{} = {}\n", name, base::to_text(value));
  }
  if (axes.empty() && !plan.replicates) return text;
  text += "\n[sweep]\n";
  for (const Entry& axis : axes) {
    text += fmt::format("{} = {}\n", axis.key.substr(kSweep.size()), to_text(std::get<AxisText>(axis.value)));
  }
  if (plan.replicates) text += fmt::format("replicates = {}\n", *plan.replicates);
  return text;
}

/// Adds to a complaint about `key` where that key stands.
Complaint located(Complaint complaint, const std::vector<Entry>& entries, const std::string& file) {
  complaint.where = file;
  for (const std::string& key : {complaint.key, std::string(kSweep) + complaint.key}) {
    const auto entry = std::ranges::find(entries, key, &Entry::key);
    if (entry == entries.end()) continue;
    complaint.where = entry->where;
    complaint.key = key;
    break;
  }
  return complaint;
}

/// Turns entries into a request; complaints carry keys, not places.
Request interpret(const sweep::Experiment& experiment, const std::vector<Entry>& entries) {
  const std::vector<base::Parameter> of_file = file_parameters();
  std::vector<base::Parameter> all = of_file;
  all.insert(all.end(), experiment.parameters.begin(), experiment.parameters.end());
  all.push_back({std::string(kReplicates), std::int64_t{1}, "1",
                 "repetitions of each point with other random numbers", base::at_least(1)});

  base::Point file_settings;
  for (const base::Parameter& parameter : of_file) file_settings[parameter.key] = parameter.default_value;
  base::Point settings;
  std::vector<sweep::Axis> axes;
  std::vector<Entry> axis_entries;
  std::optional<std::int64_t> replicates;
  for (const Entry& entry : entries) {
    if (const auto* const axis = std::get_if<AxisText>(&entry.value)) {
      const std::string key = entry.key.substr(kSweep.size());
      base::find_parameter(experiment.parameters, key);
      if (key.starts_with("record.")) {
        throw UserError({.key = entry.key,
                         .problem = "what is recorded cannot be swept",
                         .expected = "the same arrays at every point",
                         .remedy = fmt::format("set {} to one value", key)});
      }
      try {
        axes.push_back({key, values_of(*axis)});
      } catch (const UserError& error) {
        Complaint complaint = error.complaint();
        complaint.key = entry.key;
        throw UserError(complaint);
      }
      axis_entries.push_back(entry);
      continue;
    }
    const Value value = base::checked(base::find_parameter(all, entry.key), std::get<Value>(entry.value));
    if (entry.key == kReplicates) {
      replicates = std::get<std::int64_t>(value);
    } else if (file_settings.contains(entry.key)) {
      file_settings[entry.key] = value;
    } else {
      settings[entry.key] = value;
    }
  }

  const FileParameters of_record = record_table().read(file_settings);
  const FileParameters of_top = file_table().read(file_settings);
  Request request;
  request.plan =
      sweep::make_plan(experiment, static_cast<std::uint64_t>(of_top.seed), settings, axes, replicates);
  request.title = of_top.title.empty() ? experiment.title : of_top.title;
  request.write.float32 = of_record.precision == "single";
  request.write.gzip = static_cast<int>(of_record.gzip);
  request.config = config_of(file_settings, request.plan, axis_entries);
  return request;
}

}  // namespace

std::vector<base::Parameter> file_parameters() {
  std::vector<base::Parameter> parameters = file_table().parameters();
  const auto& record = record_table().parameters();
  parameters.insert(parameters.end(), record.begin(), record.end());
  return parameters;
}

Request read_request(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  std::vector<Entry> entries = entries_of_file(file);
  for (const std::string& text : overrides) put(entry_of_override(text), entries);
  const sweep::Experiment experiment = experiment_of(entries, file.string());
  try {
    return interpret(experiment, entries);
  } catch (const UserError& error) {
    throw UserError(located(error.complaint(), entries, file.string()));
  }
}

}  // namespace ecphory::app
