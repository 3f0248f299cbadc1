#include "ecphory/sweep/plan.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"

namespace ecphory::sweep {
namespace {

using base::UserError;

std::size_t product(const std::vector<std::size_t>& extents) {
  return std::accumulate(extents.begin(), extents.end(), std::size_t{1}, std::multiplies<>());
}

std::string last_part(const std::string& key) { return key.substr(key.rfind('.') + 1); }

Axis checked_axis(const base::Parameter& parameter, const Axis& axis) {
  if (axis.values.empty()) {
    throw UserError({.key = axis.key,
                     .problem = "the axis is empty",
                     .expected = "at least one value: " + base::allowed_text(parameter),
                     .remedy = "give it a value, or remove the axis"});
  }
  Axis result{axis.key, {}};
  std::set<base::Value> seen;
  for (const base::Value& value : axis.values) {
    base::Value converted = base::checked(parameter, value);
    if (!seen.insert(converted).second) {
      throw UserError({.key = axis.key,
                       .problem = fmt::format("the axis has {} twice", base::to_text(converted)),
                       .expected = "values that differ",
                       .remedy = "list each value once; repetitions are what `replicates` is for"});
    }
    result.values.push_back(std::move(converted));
  }
  return result;
}

}  // namespace

std::size_t Plan::size() const { return product(shape()); }

std::vector<std::size_t> Plan::shape() const {
  std::vector<std::size_t> extents;
  for (const Axis& axis : axes) extents.push_back(axis.values.size());
  if (replicates) extents.push_back(static_cast<std::size_t>(*replicates));
  return extents;
}

std::vector<std::string> Plan::dimensions() const {
  std::vector<std::string> names;
  for (const Axis& axis : axes) {
    const auto same = std::count_if(axes.begin(), axes.end(), [&](const Axis& other) {
      return last_part(other.key) == last_part(axis.key);
    });
    std::string name = same == 1 ? last_part(axis.key) : axis.key;
    std::replace(name.begin(), name.end(), '.', '_');
    names.push_back(std::move(name));
  }
  if (replicates) names.emplace_back("replicate");
  return names;
}

base::Point Plan::point(std::size_t index) const {
  base::ensure(index < size(), "a run's index is within the plan");
  std::size_t rest = index / static_cast<std::size_t>(replicates.value_or(1));
  base::Point result = settings;
  for (std::size_t i = axes.size(); i-- > 0;) {
    result[axes[i].key] = axes[i].values[rest % axes[i].values.size()];
    rest /= axes[i].values.size();
  }
  return result;
}

base::RandomKey Plan::random_key(std::size_t index) const {
  base::Point simulated = point(index);
  std::erase_if(simulated, [&](const auto& setting) {
    return setting.first.starts_with("integrator.") || setting.first.starts_with("record.") ||
           setting.second == base::find_parameter(experiment.parameters, setting.first).default_value;
  });
  return {.seed = seed,
          .point = content_hash(experiment.name, simulated),
          .replicate = static_cast<std::uint32_t>(index % static_cast<std::size_t>(replicates.value_or(1)))};
}

Plan make_plan(const Experiment& experiment, std::uint64_t seed, const base::Point& settings,
               const std::vector<Axis>& axes, std::optional<std::int64_t> replicates) {
  Plan plan{.experiment = experiment, .seed = seed, .settings = {}, .axes = {}, .replicates = replicates};
  for (const auto& [key, value] : settings) {
    plan.settings[key] = base::checked(base::find_parameter(experiment.parameters, key), value);
  }
  for (const Axis& axis : axes) {
    const base::Parameter& parameter = base::find_parameter(experiment.parameters, axis.key);
    if (settings.contains(axis.key)) {
      throw UserError(
          {.key = axis.key,
           .problem = "is both set to one value and swept",
           .expected = "one of the two",
           .remedy = fmt::format("remove one; --set 'sweep.{}={{values=[…]}}' changes the axis", axis.key)});
    }
    plan.axes.push_back(checked_axis(parameter, axis));
  }
  if (replicates && (*replicates < 1 || *replicates > UINT32_MAX)) {
    throw UserError({.key = "sweep.replicates",
                     .problem = fmt::format("{} is not allowed", *replicates),
                     .expected = fmt::format("a whole number >= 1 and <= {}", UINT32_MAX),
                     .remedy = "remove it to run every point once"});
  }
  for (const base::Parameter& parameter : experiment.parameters) {
    const bool swept = std::any_of(plan.axes.begin(), plan.axes.end(),
                                   [&](const Axis& axis) { return axis.key == parameter.key; });
    if (!swept) plan.settings.try_emplace(parameter.key, parameter.default_value);
  }
  for (std::size_t i = 0; i < plan.size(); i += static_cast<std::size_t>(replicates.value_or(1))) {
    experiment.check(plan.point(i));
  }
  return plan;
}

std::uint64_t content_hash(const std::string& experiment, const base::Point& point) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  const auto add = [&](const std::string& text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    hash = (hash ^ 0xFFU) * 1099511628211ULL;  // a byte that UTF-8 never has, between texts
  };
  add(experiment);
  for (const auto& [key, value] : point) {
    add(key);
    add(base::to_text(value));
  }
  return base::mix64(hash);
}

}  // namespace ecphory::sweep
