#include "sweep_text.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/nearest.hpp"

#include "toml_value.hpp"

namespace ecphory::app {
namespace {

using base::Complaint;
using base::UserError;
using base::Value;

constexpr const char* kAnAxis =
    "{values = […]}, {linspace = [first, last, n]}, {logspace = …} or {geomspace = …}";
const std::vector<std::string> axis_kinds = {"values", "linspace", "logspace", "geomspace"};
const std::vector<std::string> range_kinds = {"linear", "logarithmic"};
const std::vector<std::string> part_names = {"zip", "sample", "block", "exclude", "replicates", "stop"};

bool is_among(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

[[noreturn]] void complain(const std::string& where, const std::string& key, Complaint complaint) {
  complaint.where = where;
  complaint.key = key;
  throw UserError(std::move(complaint));
}

std::string did_you_mean(const std::string& name, const std::vector<std::string>& candidates) {
  const std::string nearest = base::nearest_name(name, candidates);
  return nearest.empty() ? "" : fmt::format("did you mean {}?", nearest);
}

/// The numbers and strings of a list.
std::vector<Value> list_of(const toml::node& node, const std::string& key, const std::string& where,
                           const std::string& what, const std::string& expected) {
  const toml::array* const list = node.as_array();
  if (list == nullptr) complain(where, key, {.problem = what + " needs a list", .expected = expected});
  std::vector<Value> values;
  for (const toml::node& element : *list) {
    std::optional<Value> value = scalar_of(element);
    if (!value) complain(where, key, {.problem = what + " lists single values", .expected = expected});
    values.push_back(std::move(*value));
  }
  return values;
}

std::string string_of(const toml::node& node, const std::string& key, const std::string& where) {
  const auto* const text = node.as_string();
  if (text == nullptr) complain(where, key, {.problem = "must be a string", .expected = "a string"});
  return text->get();
}

AxisText axis_of(const toml::table& table, const std::string& key, const std::string& where) {
  AxisText axis{
      .key = key.substr(std::string_view("sweep.").size()), .kind = {}, .arguments = {}, .when = {}};
  for (const auto& [name_node, node] : table) {
    const std::string name(name_node.str());
    if (name == "when") {
      axis.when = string_of(node, key, where);
      continue;
    }
    if (!is_among(axis_kinds, name)) {
      complain(where, key,
               {.problem = fmt::format("\"{}\" is no way to write an axis", name),
                .expected = kAnAxis,
                .remedy = did_you_mean(name, axis_kinds)});
    }
    if (!axis.kind.empty())
      complain(where, key, {.problem = "an axis is written in one way", .expected = kAnAxis});
    axis.kind = name;
    axis.arguments = list_of(node, key, where, "an axis", kAnAxis);
  }
  if (axis.kind.empty())
    complain(where, key, {.problem = "an axis is written in one way", .expected = kAnAxis});
  return axis;
}

/// Whether the table of `key` is what belongs to one setting, and not a section of settings.
bool is_leaf(const toml::table& table, const std::string& key, const std::vector<std::string>& kinds) {
  if (table.empty()) return true;
  const bool setting = key.find('.', std::string_view("sweep.").size()) != std::string::npos;
  return std::ranges::any_of(table, [&](const auto& entry) {
    return is_among(kinds, entry.first.str()) || (setting && !entry.second.is_table());
  });
}

struct Leaf {
  std::string key;  ///< "sweep.model.a"
  const toml::table* table;
};

/// The tables of single settings below `table`, in the order of the file.
std::vector<Leaf> leaves_of(const toml::table& table, const std::string& prefix,
                            const std::vector<std::string>& kinds, const std::vector<std::string>& skipped,
                            const Where& where) {
  std::vector<Leaf> leaves;
  for (const auto& [name, node] : table) {
    if (is_among(skipped, name.str())) continue;
    const std::string key = prefix + std::string(name.str());
    const toml::table* const inner = node.as_table();
    if (inner == nullptr) {
      complain(where(node), key,
               {.problem = kinds == axis_kinds ? "this is not an axis" : "this is not a range",
                .expected = kinds == axis_kinds ? kAnAxis : "{linear = [low, high]} or {logarithmic = …}"});
    }
    if (is_leaf(*inner, key, kinds)) {
      leaves.push_back({key, inner});
    } else {
      std::ranges::copy(leaves_of(*inner, key + ".", kinds, {}, where), std::back_inserter(leaves));
    }
  }
  std::ranges::stable_sort(leaves, {}, [](const Leaf& leaf) {
    return std::pair(leaf.table->source().begin.line, leaf.table->source().begin.column);
  });
  return leaves;
}

std::vector<AxisText> axes_of(const toml::table& table, const std::vector<std::string>& skipped,
                              const Where& where, SweepText& sweep) {
  std::vector<AxisText> axes;
  for (const Leaf& leaf : leaves_of(table, "sweep.", axis_kinds, skipped, where)) {
    axes.push_back(axis_of(*leaf.table, leaf.key, where(*leaf.table)));
    sweep.where.try_emplace(leaf.key, where(*leaf.table));
  }
  return axes;
}

SampleText sample_of(const toml::table& table, const Where& where, SweepText& sweep) {
  SampleText sample;
  const std::string place = where(table);
  const auto* const method = table.get("method");
  sample.method = method == nullptr ? "sobol" : string_of(*method, "sweep.sample.method", where(*method));
  const auto* const points = table.get("points");
  if (points == nullptr || points->as_integer() == nullptr) {
    complain(points == nullptr ? place : where(*points), "sweep.sample.points",
             {.problem = points == nullptr ? "is missing" : "must be a whole number",
              .expected = "how many points the sample has"});
  }
  sample.points = points->as_integer()->get();
  for (const Leaf& leaf : leaves_of(table, "sweep.", range_kinds, {"method", "points"}, where)) {
    const std::string here = where(*leaf.table);
    sweep.where.try_emplace(leaf.key, here);
    const std::string expected = "{linear = [low, high]} or {logarithmic = [low, high]}";
    if (leaf.table->size() != 1)
      complain(here, leaf.key, {.problem = "a range is written in one way", .expected = expected});
    const auto only = leaf.table->begin();
    const std::string kind(only->first.str());
    if (!is_among(range_kinds, kind)) {
      complain(here, leaf.key,
               {.problem = fmt::format("\"{}\" is no way to write a range", kind),
                .expected = expected,
                .remedy = did_you_mean(kind, range_kinds)});
    }
    RangeText range{leaf.key.substr(std::string_view("sweep.").size()), kind,
                    list_of(only->second, leaf.key, here, "a range", expected)};
    if (range.arguments.size() != 2)
      complain(here, leaf.key, {.problem = "a range has two ends", .expected = expected});
    sample.box.push_back(std::move(range));
  }
  sweep.where.try_emplace("sweep.sample", place);
  return sample;
}

/// The tables of `name`: one, or an array of tables.
std::vector<const toml::table*> tables_of(const toml::table& in, const std::string& name,
                                          const Where& where) {
  std::vector<const toml::table*> tables;
  const toml::node* const node = in.get(name);
  if (node == nullptr) return tables;
  if (const toml::table* const only = node->as_table()) return {only};
  const toml::array* const list = node->as_array();
  const bool all =
      list != nullptr && std::ranges::all_of(*list, [](const toml::node& n) { return n.is_table(); });
  if (!all) {
    complain(where(*node), "sweep." + name,
             {.problem = "is not what it should be",
              .expected = fmt::format("[[sweep.{}]] and axes below it", name)});
  }
  for (const toml::node& element : *list) tables.push_back(element.as_table());
  return tables;
}

std::vector<std::string> exclude_of(const toml::node& node, const std::string& where) {
  if (node.is_string()) return {node.as_string()->get()};
  std::vector<std::string> conditions;
  for (const Value& value :
       list_of(node, "sweep.exclude", where, "exclude", "a condition, or a list of them")) {
    const auto* const text = std::get_if<std::string>(&value);
    if (text == nullptr)
      complain(where, "sweep.exclude", {.problem = "a condition is a string", .expected = "\"model.a > 1\""});
    conditions.push_back(*text);
  }
  return conditions;
}

std::int64_t replicates_of(const toml::node& node, const std::string& where) {
  const auto* const n = node.as_integer();
  if (n == nullptr) {
    complain(
        where, "sweep.replicates",
        {.problem = "has the wrong type", .expected = "a whole number >= 1", .remedy = "for example 10"});
  }
  return n->get();
}

void set_stop(const std::string& name, const toml::node& node, const std::string& where, SweepText& sweep) {
  const std::string key = "sweep.stop." + name;
  sweep::StopRule& rule = sweep.stop ? *sweep.stop : sweep.stop.emplace();
  const auto wrong = [&](const std::string& expected) {
    complain(where, key, {.problem = "has the wrong type", .expected = expected});
  };
  if (name == "result") {
    rule.result = string_of(node, key, where);
  } else if (name == "width") {
    if (!node.is_number()) wrong("a number > 0");
    rule.width = node.value<double>().value_or(0);
  } else if (name == "least") {
    if (!node.is_integer()) wrong("a whole number >= 2");
    rule.least = node.as_integer()->get();
  } else {
    const std::vector<std::string> known = {"result", "width", "least"};
    complain(where, key,
             {.problem = "unknown key",
              .expected = fmt::format("one of {}", fmt::join(known, ", ")),
              .remedy = did_you_mean(name, known)});
  }
  sweep.where[key] = where;
}

/// `depth` 0: [sweep] itself.
SweepText parse(const toml::table& table, const Where& where, int depth) {
  SweepText sweep;
  for (const std::string& part : part_names) {
    const toml::node* const node = table.get(part);
    if (node != nullptr) sweep.where.try_emplace("sweep." + part, where(*node));
    if (node != nullptr && depth > 0 && (part == "replicates" || part == "stop")) {
      complain(where(*node), "sweep." + part,
               {.problem = "belongs to the whole sweep", .expected = fmt::format("{} in [sweep]", part)});
    }
  }
  sweep.axes = axes_of(table, part_names, where, sweep);
  for (const toml::table* const zip : tables_of(table, "zip", where)) {
    sweep.zips.push_back(axes_of(*zip, {}, where, sweep));
    if (sweep.zips.back().empty())
      complain(where(*zip), "sweep.zip", {.problem = "zips nothing", .expected = "axes below [[sweep.zip]]"});
  }
  for (const toml::table* const sample : tables_of(table, "sample", where))
    sweep.samples.push_back(sample_of(*sample, where, sweep));
  for (const toml::table* const block : tables_of(table, "block", where)) {
    sweep.blocks.push_back(parse(*block, where, depth + 1));
    sweep.where.merge(std::map(sweep.blocks.back().where));
  }
  if (const toml::node* const node = table.get("exclude")) sweep.exclude = exclude_of(*node, where(*node));
  if (const toml::node* const node = table.get("replicates"))
    sweep.replicates = replicates_of(*node, where(*node));
  if (const toml::node* const node = table.get("stop")) {
    const toml::table* const stop = node->as_table();
    if (stop == nullptr) {
      complain(where(*node), "sweep.stop",
               {.problem = "is not a rule", .expected = "{result = \"accuracy\", width = 0.01}"});
    }
    for (const auto& [name, value] : *stop) set_stop(std::string(name.str()), value, where(value), sweep);
  }
  return sweep;
}

}  // namespace

SweepText parse_sweep(const toml::table& table, const Where& where) { return parse(table, where, 0); }

void override_sweep(const std::string& key, const toml::node& value, const std::string& where,
                    SweepText& sweep) {
  sweep.where[key] = where;
  const auto no_value = [&](const std::string& expected) {
    complain(where, key, {.problem = "this is no value for that key", .expected = expected});
  };
  if (key == "sweep.replicates") {
    sweep.replicates = replicates_of(value, where);
  } else if (key == "sweep.exclude") {
    sweep.exclude = exclude_of(value, where);
  } else if (key.starts_with("sweep.stop.")) {
    set_stop(key.substr(std::string_view("sweep.stop.").size()), value, where, sweep);
  } else if (key == "sweep.sample.points" || key == "sweep.sample.method") {
    if (sweep.samples.size() != 1) {
      complain(where, key,
               {.problem = fmt::format("the file has {} samples", sweep.samples.size()), .expected = "one"});
    }
    if (key.ends_with("method")) {
      sweep.samples.front().method = string_of(value, key, where);
    } else {
      if (!value.is_integer()) no_value("a whole number");
      sweep.samples.front().points = value.as_integer()->get();
    }
  } else {
    const toml::table* const table = value.as_table();
    if (table == nullptr) no_value("for a key of [sweep] an axis such as {values=[1, 2]}");
    AxisText axis = axis_of(*table, key, where);
    const auto same = std::ranges::find(sweep.axes, axis.key, &AxisText::key);
    if (same != sweep.axes.end()) {
      *same = std::move(axis);
    } else {
      sweep.axes.push_back(std::move(axis));
    }
  }
}

}  // namespace ecphory::app
