#include "ecphory/sweep/plan.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <unordered_set>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"

namespace ecphory::sweep {
namespace {

using base::UserError;

std::string last_part(const std::string& key) { return key.substr(key.rfind('.') + 1); }

/// FNV-1a over texts, finished by mix64.
class TextHash {
 public:
  void add(const std::string& text) {
    for (const char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    hash_ = (hash_ ^ 0xFFU) * 1099511628211ULL;  // a byte that UTF-8 never has, between texts
  }
  std::uint64_t value() const { return base::mix64(hash_); }

 private:
  std::uint64_t hash_ = 14695981039346656037ULL;
};

/// Fills in identities and random hashes.
void hash_points(Plan& plan) {
  struct Entry {
    const base::Parameter* parameter;
    const std::vector<base::Value>* values;  ///< of every point, or one
    bool drawn_from;
    std::string text;  ///< of one value
  };
  std::vector<Entry> entries;
  for (const base::Parameter& parameter : plan.experiment.parameters) {
    const auto column = std::ranges::find(plan.columns, parameter.key, &Column::key);
    const bool drawn_from =
        !parameter.key.starts_with("integrator.") && !parameter.key.starts_with("record.");
    if (column != plan.columns.end()) {
      entries.push_back({&parameter, &column->values, drawn_from, ""});
    } else if (plan.settings.at(parameter.key) != parameter.default_value) {
      entries.push_back({&parameter, nullptr, drawn_from, base::to_text(plan.settings.at(parameter.key))});
    }
  }
  std::ranges::sort(entries, {}, [](const Entry& entry) { return entry.parameter->key; });
  for (std::size_t i = 0; i < plan.points; ++i) {
    TextHash identity;
    TextHash random;
    identity.add(plan.experiment.name);
    random.add(plan.experiment.name);
    for (const Entry& entry : entries) {
      if (entry.values != nullptr && (*entry.values)[i] == entry.parameter->default_value) continue;
      const std::string& text = entry.values == nullptr ? entry.text : base::to_text((*entry.values)[i]);
      identity.add(entry.parameter->key);
      identity.add(text);
      if (!entry.drawn_from) continue;
      random.add(entry.parameter->key);
      random.add(text);
    }
    plan.identities.push_back(identity.value());
    plan.random_hashes.push_back(random.value());
  }
}

/// Leaves the first of points that are equal.
void merge_equal_points(Plan& plan) {
  std::unordered_set<std::uint64_t> seen;
  std::vector<bool> again(plan.points);
  for (std::size_t i = 0; i < plan.points; ++i) again[i] = !seen.insert(plan.identities[i]).second;
  plan.merged = static_cast<std::size_t>(std::ranges::count(again, true));
  if (plan.merged == 0) return;
  const auto filter = [&](auto& values) {
    std::size_t i = 0;
    std::erase_if(values, [&](const auto&) { return again[i++]; });
  };
  for (Column& column : plan.columns) filter(column.values);
  filter(plan.identities);
  filter(plan.random_hashes);
  plan.points = plan.identities.size();
}

void check_replicates(const std::optional<std::int64_t>& replicates, const std::optional<StopRule>& stop) {
  if (replicates && (*replicates < 1 || *replicates > UINT32_MAX)) {
    throw UserError({.key = "sweep.replicates",
                     .problem = fmt::format("{} is not allowed", *replicates),
                     .expected = fmt::format("a whole number >= 1 and <= {}", UINT32_MAX),
                     .remedy = "remove it to run every point once"});
  }
  if (!stop) return;
  const auto refuse = [](const std::string& key, const std::string& problem, const std::string& expected) {
    throw UserError({.key = key, .problem = problem, .expected = expected});
  };
  if (!replicates)
    refuse("sweep.stop", "there are no replicates to stop", "replicates = the most that a point gets");
  if (stop->result.empty())
    refuse("sweep.stop.result", "is missing", "the name of a result, such as \"accuracy\"");
  if (!(stop->width > 0))
    refuse("sweep.stop.width", fmt::format("{} is not allowed", stop->width), "a number > 0");
  if (stop->least < 2 || stop->least > *replicates) {
    refuse("sweep.stop.least", fmt::format("{} is not allowed", stop->least),
           fmt::format("a whole number >= 2 and <= replicates, {}", *replicates));
  }
}

/// The axes of a space that is nothing but axes.
std::vector<Axis> axes_of(const Space& space, const Table& table) {
  std::vector<Axis> axes;
  if (!space.exclude.empty() || table.columns.size() != space.factors.size()) return {};
  for (const Factor& factor : space.factors) {
    const auto* const axis = std::get_if<Axis>(&factor);
    if (axis == nullptr || !axis->when.empty()) return {};
    axes.push_back({axis->key, {}});
  }
  if (!table.from_settings.empty()) return {};
  std::size_t repeat = table.points;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t n = std::get<Axis>(space.factors[i]).values.size();
    repeat /= n;
    const std::vector<base::Value>& column = table.columns[i].values;
    for (std::size_t k = 0; k < n; ++k) axes[i].values.push_back(column[k * repeat]);
    // A key that has no effect at some points keeps its default there: then the axis is none.
    for (std::size_t point = 0; point < table.points; ++point) {
      if (column[point] != axes[i].values[point / repeat % n]) return {};
    }
  }
  return axes;
}

}  // namespace

std::vector<std::size_t> Plan::shape() const {
  std::vector<std::size_t> extents;
  for (const Axis& axis : axes) extents.push_back(axis.values.size());
  if (!is_grid()) extents.push_back(points);
  if (replicates) extents.push_back(static_cast<std::size_t>(*replicates));
  return extents;
}

std::string Plan::name_of(const std::string& key) const {
  const auto same =
      std::ranges::count(columns, last_part(key), [](const Column& other) { return last_part(other.key); });
  std::string name = same == 1 ? last_part(key) : key;
  std::ranges::replace(name, '.', '_');
  return name;
}

std::vector<std::string> Plan::dimensions() const {
  std::vector<std::string> names;
  for (const Axis& axis : axes) names.push_back(name_of(axis.key));
  if (!is_grid()) names.emplace_back("point");
  if (replicates) names.emplace_back("replicate");
  return names;
}

base::Point Plan::point(std::size_t index) const {
  base::ensure(index < size(), "a run's index is within the plan");
  base::Point result = settings;
  for (const Column& column : columns) result[column.key] = column.values[index / replicate_count()];
  return result;
}

base::RandomKey Plan::random_key(std::size_t index) const {
  return {.seed = seed,
          .point = random_hashes[index / replicate_count()],
          .replicate = static_cast<std::uint32_t>(index % replicate_count())};
}

std::uint64_t Plan::hash() const {
  TextHash hash;
  hash.add(experiment.name);
  hash.add(fmt::format("{} {}", seed, replicates.value_or(0)));
  if (stop) hash.add(fmt::format("{} {} {}", stop->result, stop->width, stop->least));
  for (const std::string& dimension : dimensions()) hash.add(dimension);
  std::uint64_t value = hash.value();
  for (const std::uint64_t identity : identities) value = base::mix64(value ^ identity) + identity;
  return value;
}

std::string Plan::label(std::size_t index) const {
  std::string text;
  for (const Column& column : columns) {
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", column.key,
                        base::to_text(column.values[index / replicate_count()]));
  }
  if (replicates) {
    text += fmt::format("{}replicate {}", text.empty() ? "" : ", ", index % replicate_count());
  }
  return text.empty() ? "the only point" : text;
}

Plan make_plan(const Experiment& experiment, std::uint64_t seed, const base::Point& settings,
               const Space& space, std::optional<std::int64_t> replicates,
               const std::optional<StopRule>& stop, PointCheck check) {
  Plan plan{.experiment = experiment,
            .seed = seed,
            .settings = {},
            .columns = {},
            .axes = {},
            .replicates = replicates,
            .stop = stop,
            .identities = {},
            .random_hashes = {}};
  base::Point given;
  for (const auto& [key, value] : settings)
    given[key] = base::checked(base::find_parameter(experiment.parameters, key), value);
  Table table = expand(space, experiment.parameters, given, seed);
  for (const Column& column : table.columns) {
    if (!given.contains(column.key) ||
        std::ranges::find(table.from_settings, column.key) != table.from_settings.end())
      continue;
    throw UserError(
        {.key = column.key,
         .problem = "is both set to one value and swept",
         .expected = "one of the two",
         .remedy = fmt::format("remove one; --set 'sweep.{}={{values=[…]}}' changes the axis", column.key)});
  }
  check_replicates(replicates, stop);
  plan.axes = axes_of(space, table);
  plan.points = table.points;
  plan.columns = std::move(table.columns);
  for (const base::Parameter& parameter : experiment.parameters) {
    if (std::ranges::find(plan.columns, parameter.key, &Column::key) != plan.columns.end()) continue;
    const auto value = given.find(parameter.key);
    plan.settings[parameter.key] = value == given.end() ? parameter.default_value : value->second;
  }
  plan.identities.reserve(plan.points);
  plan.random_hashes.reserve(plan.points);
  hash_points(plan);
  if (!plan.is_grid()) merge_equal_points(plan);
  if (check == PointCheck::yes) {
    for (std::size_t i = 0; i < plan.size(); i += plan.replicate_count()) experiment.check(plan.point(i));
  }
  return plan;
}

}  // namespace ecphory::sweep
