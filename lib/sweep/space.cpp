#include "ecphory/sweep/space.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/expression.hpp"

namespace ecphory::sweep {
namespace {

using base::Complaint;
using base::UserError;
using base::Value;

/// What the parts of one expansion share.
struct Expansion {
  std::span<const base::Parameter> parameters;
  const base::Point& settings;
  std::uint64_t seed;

  /// The value of a key that is not swept.
  Value fixed(const std::string& key) const {
    const auto given = settings.find(key);
    const base::Parameter& parameter = base::find_parameter(parameters, key);
    return given == settings.end() ? parameter.default_value : base::checked(parameter, given->second);
  }

  base::Expression condition(const std::string& key, const std::string& text) const {
    try {
      return {text, parameters};
    } catch (const UserError& error) {
      Complaint complaint = error.complaint();
      complaint.key = key;
      throw UserError(complaint);
    }
  }
};

void ensure_size(std::size_t points) {
  constexpr std::size_t kMost = 10'000'000;
  if (points <= kMost) return;
  throw UserError({.key = "sweep",
                   .problem = fmt::format("the sweep has more than {} points", kMost),
                   .expected = "fewer points",
                   .remedy = "shorten an axis, or split the sweep into several files"});
}

Column column_of(const Expansion& expansion, const Axis& axis) {
  const base::Parameter& parameter = base::find_parameter(expansion.parameters, axis.key);
  if (axis.values.empty()) {
    throw UserError({.key = axis.key,
                     .problem = "the axis is empty",
                     .expected = "at least one value: " + base::allowed_text(parameter),
                     .remedy = "give it a value, or remove the axis"});
  }
  Column column{axis.key, {}};
  for (const Value& value : axis.values) column.values.push_back(base::checked(parameter, value));
  return column;
}

Table table_of(const Expansion& expansion, const Axis& axis) {
  Column column = column_of(expansion, axis);
  std::set<Value> seen;
  for (const Value& value : column.values) {
    if (seen.insert(value).second) continue;
    throw UserError({.key = axis.key,
                     .problem = fmt::format("the axis has {} twice", base::to_text(value)),
                     .expected = "values that differ",
                     .remedy = "list each value once; repetitions are what `replicates` is for"});
  }
  return {.points = column.values.size(), .columns = {std::move(column)}};
}

Table table_of(const Expansion& expansion, const Zip& zip) {
  base::ensure(!zip.axes.empty(), "a zip has axes");
  Table table;
  for (const Axis& axis : zip.axes) {
    table.columns.push_back(column_of(expansion, axis));
    table.points = table.columns.front().values.size();
    if (axis.values.size() == table.points) continue;
    throw UserError(
        {.key = axis.key,
         .problem = fmt::format("has {} values, but {} of the same zip has {}", axis.values.size(),
                                zip.axes.front().key, table.points),
         .expected = "axes of one length: the first values go together, the second …",
         .remedy = "make them equally long, or let them be axes of their own for every combination"});
  }
  return table;
}

/// The value at `u` of [0, 1) between the ends of a range.
Value value_at(const base::Parameter& parameter, const Range& range, double u) {
  const bool whole = std::holds_alternative<std::int64_t>(parameter.default_value);
  const double high = whole ? range.high + 1 : range.high;
  double x =
      range.logarithmic ? range.low * std::pow(high / range.low, u) : range.low + u * (high - range.low);
  x = std::clamp(x, range.low, range.high);
  if (!whole) return x;
  const auto multiple = static_cast<double>(parameter.allowed.multiple_of);
  return static_cast<std::int64_t>(std::max(std::floor(x / multiple), std::ceil(range.low / multiple)) *
                                   multiple);
}

void check_range(const base::Parameter& parameter, const Range& range) {
  const auto refuse = [&](const std::string& problem, const std::string& expected) {
    throw UserError({.key = range.key, .problem = problem, .expected = expected});
  };
  const bool number = std::holds_alternative<double>(parameter.default_value) ||
                      std::holds_alternative<std::int64_t>(parameter.default_value);
  if (!number) refuse("is not a number and cannot be sampled", "an axis that lists its values");
  if (!(range.low < range.high) || !std::isfinite(range.high - range.low))
    refuse(fmt::format("the range from {} to {} has no extent", range.low, range.high),
           "[low, high], low < high");
  if (range.logarithmic && range.low <= 0)
    refuse(fmt::format("a logarithmic range cannot begin at {}", range.low), "low > 0");
  for (const double end : {range.low, range.high}) {
    if (std::holds_alternative<double>(parameter.default_value)) {
      base::checked(parameter, end);
    } else if (end != std::floor(end) || std::abs(end) > 9e15) {
      refuse(fmt::format("{} is no whole number", end), base::allowed_text(parameter));
    }
  }
}

Table table_of(const Expansion& expansion, const Sample& sample) {
  if (sample.points == 0) {
    throw UserError({.key = "sweep.sample", .problem = "the sample is empty", .expected = "points >= 1"});
  }
  ensure_size(sample.points);
  if (sample.box.empty()) {
    throw UserError({.key = "sweep.sample",
                     .problem = "the sample has no keys",
                     .expected = "a range for each sampled key, such as model.a = {linear = [0, 2]}"});
  }
  const std::vector<double> unit =
      unit_points(sample.sampler, sample.points, sample.box.size(), expansion.seed);
  Table table{.points = sample.points};
  for (std::size_t k = 0; k < sample.box.size(); ++k) {
    const Range& range = sample.box[k];
    const base::Parameter& parameter = base::find_parameter(expansion.parameters, range.key);
    check_range(parameter, range);
    Column column{range.key, {}};
    for (std::size_t i = 0; i < sample.points; ++i) {
      column.values.push_back(
          base::checked(parameter, value_at(parameter, range, unit[i * sample.box.size() + k])));
    }
    table.columns.push_back(std::move(column));
  }
  return table;
}

Column* find(Table& table, const std::string& key) {
  const auto found = std::ranges::find(table.columns, key, &Column::key);
  return found == table.columns.end() ? nullptr : &*found;
}

Table table_of(const Expansion& expansion, const Space& space);

Table table_of(const Expansion& expansion, const Blocks& blocks) {
  base::ensure(!blocks.blocks.empty(), "there is a block");
  Table all{.points = 0};
  for (const Space& block : blocks.blocks) {
    Table table = table_of(expansion, block);
    for (const Column& column : table.columns) {
      if (find(all, column.key) != nullptr) continue;
      all.columns.push_back({column.key, std::vector(all.points, expansion.fixed(column.key))});
      if (all.points > 0) all.from_settings.push_back(column.key);
    }
    all.points += table.points;
    ensure_size(all.points);
    for (Column& column : all.columns) {
      if (Column* const here = find(table, column.key)) {
        std::ranges::move(here->values, std::back_inserter(column.values));
      } else {
        column.values.resize(all.points, expansion.fixed(column.key));
        all.from_settings.push_back(column.key);
      }
    }
    std::ranges::move(table.from_settings, std::back_inserter(all.from_settings));
  }
  return all;
}

/// Every combination of a point of `slow` with one of `fast`.
Table product(const Table& slow, const Table& fast) {
  Table table{.points = slow.points * fast.points};
  ensure_size(table.points);
  for (const Column& column : slow.columns) {
    Column& to = table.columns.emplace_back(Column{column.key, {}});
    to.values.reserve(table.points);
    for (const Value& value : column.values) to.values.insert(to.values.end(), fast.points, value);
  }
  for (const Column& column : fast.columns) {
    if (find(table, column.key) != nullptr) {
      throw UserError({.key = column.key,
                       .problem = "is swept twice",
                       .expected = "one axis, zip or sample for each key",
                       .remedy = "remove one of them"});
    }
    Column& to = table.columns.emplace_back(Column{column.key, {}});
    to.values.reserve(table.points);
    for (std::size_t i = 0; i < slow.points; ++i)
      to.values.insert(to.values.end(), column.values.begin(), column.values.end());
  }
  for (const Table* const part : {&slow, &fast})
    std::ranges::copy(part->from_settings, std::back_inserter(table.from_settings));
  return table;
}

/// For every point of the table, whether the condition holds there.
std::vector<bool> held(const Expansion& expansion, const base::Expression& condition, Table& table) {
  base::Point point;
  std::vector<std::pair<Value*, const Column*>> swept;
  for (const std::string& key : condition.keys()) {
    Value& value = point[key] = expansion.fixed(key);
    if (const Column* const column = find(table, key)) swept.emplace_back(&value, column);
  }
  std::vector<bool> result(table.points);
  for (std::size_t i = 0; i < table.points; ++i) {
    for (const auto& [value, column] : swept) *value = column->values[i];
    result[i] = condition.holds(point);
  }
  return result;
}

void keep_settings_where_not(const Expansion& expansion, const Axis& axis, Table& table) {
  if (axis.when.empty()) return;
  const std::vector<bool> applies =
      held(expansion, expansion.condition("sweep." + axis.key, axis.when), table);
  if (std::ranges::find(applies, true) == applies.end()) {
    throw UserError({.key = axis.key,
                     .problem = fmt::format("its condition holds nowhere: {}", axis.when),
                     .expected = "a condition that some points meet",
                     .remedy = "correct the condition, or remove the axis"});
  }
  Column& column = *find(table, axis.key);
  const Value fixed = expansion.fixed(axis.key);
  for (std::size_t i = 0; i < table.points; ++i) {
    if (!applies[i]) column.values[i] = fixed;
  }
  table.from_settings.push_back(axis.key);
}

void remove_excluded(const Expansion& expansion, const std::string& text, Table& table) {
  const std::vector<bool> out = held(expansion, expansion.condition("sweep.exclude", text), table);
  const auto left = static_cast<std::size_t>(std::ranges::count(out, false));
  if (left == 0) {
    throw UserError({.key = "sweep.exclude",
                     .problem = fmt::format("leaves no point: {}", text),
                     .expected = "a condition that some points do not meet"});
  }
  for (Column& column : table.columns) {
    std::size_t i = 0;
    std::erase_if(column.values, [&](const Value&) { return out[i++]; });
  }
  table.points = left;
}

Table table_of(const Expansion& expansion, const Space& space) {
  Table table;
  for (const Factor& factor : space.factors)
    table = product(table, std::visit([&](const auto& f) { return table_of(expansion, f); }, factor));
  for (const Factor& factor : space.factors) {
    if (const auto* const axis = std::get_if<Axis>(&factor)) keep_settings_where_not(expansion, *axis, table);
    if (const auto* const zip = std::get_if<Zip>(&factor)) {
      for (const Axis& axis : zip->axes) keep_settings_where_not(expansion, axis, table);
    }
  }
  for (const std::string& text : space.exclude) remove_excluded(expansion, text, table);
  return table;
}

/// A key keeps its default where it has no effect.
void keep_default_without_effect(const Expansion& expansion, const base::Parameter& parameter, Table& table) {
  const bool given = expansion.settings.contains(parameter.key);
  Column* column = find(table, parameter.key);
  if (parameter.when.empty() || (!given && column == nullptr)) return;
  const std::vector<bool> applies = held(expansion, {parameter.when, expansion.parameters}, table);
  const bool is_default = column == nullptr && expansion.fixed(parameter.key) == parameter.default_value;
  if (is_default) return;
  if (std::ranges::find(applies, true) == applies.end()) {
    throw UserError({.key = parameter.key,
                     .problem = "has no effect here",
                     .expected = "to be set only where " + parameter.when,
                     .remedy = "remove it, or choose what has it"});
  }
  if (std::ranges::find(applies, false) == applies.end()) return;
  if (column == nullptr) {
    column = &table.columns.emplace_back(
        Column{parameter.key, std::vector(table.points, expansion.fixed(parameter.key))});
    table.from_settings.push_back(parameter.key);
  }
  for (std::size_t i = 0; i < table.points; ++i) {
    if (!applies[i]) column->values[i] = parameter.default_value;
  }
}

}  // namespace

Table expand(const Space& space, std::span<const base::Parameter> parameters, const base::Point& settings,
             std::uint64_t seed) {
  const Expansion expansion{.parameters = parameters, .settings = settings, .seed = seed};
  Table table = table_of(expansion, space);
  for (const base::Parameter& parameter : parameters)
    keep_default_without_effect(expansion, parameter, table);
  return table;
}

}  // namespace ecphory::sweep
