#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ecphory/base/error.hpp"

#include "sweep_text.hpp"

namespace ecphory::app {
namespace {

using base::UserError;
using base::Value;

double real(const Value& value) {
  if (const auto* const n = std::get_if<std::int64_t>(&value)) return static_cast<double>(*n);
  if (const auto* const x = std::get_if<double>(&value)) return *x;
  return NAN;
}

/// Values from first to last at equal steps of f, or whatever `between` makes of the weights of both ends.
template <class Between>
std::vector<double> spaced(const AxisText& axis, const Between& between) {
  const auto& arguments = axis.arguments;
  const auto* const n = arguments.size() == 3 ? std::get_if<std::int64_t>(&arguments[2]) : nullptr;
  if (n == nullptr || !std::isfinite(real(arguments[0])) || !std::isfinite(real(arguments[1]))) {
    throw UserError({.key = axis.key,
                     .problem = to_text(axis) + " cannot be understood",
                     .expected = axis.kind + " = [first, last, number of values]"});
  }
  constexpr std::int64_t kMost = 10'000'000;
  if (*n < 1 || *n > kMost) {
    throw UserError({.key = axis.key,
                     .problem = *n < 1 ? "the axis is empty" : "the axis is too long",
                     .expected = fmt::format("1 to {} values", kMost),
                     .remedy = "change the last number of " + to_text(axis)});
  }
  std::vector<double> values(static_cast<std::size_t>(*n));
  const auto steps = static_cast<double>(std::max<std::int64_t>(*n - 1, 1));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = between(real(arguments[0]), real(arguments[1]), static_cast<double>(i), steps);
  return values;
}

double evenly(double first, double last, double step, double steps) {
  return (first * (steps - step) + last * step) / steps;
}

double at_one_ratio(double first, double last, double step, double steps) {
  if (step == 0) return first;
  return step == steps ? last : first * std::pow(last / first, step / steps);
}

std::vector<Value> values_of(const AxisText& axis) {
  if (axis.kind == "values") return axis.arguments;
  std::vector<double> reals;
  if (axis.kind == "geomspace") {
    reals = spaced(axis, at_one_ratio);
    if (!(real(axis.arguments[0]) * real(axis.arguments[1]) > 0)) {
      throw UserError({.key = axis.key,
                       .problem = "there is no ratio between the ends of " + to_text(axis),
                       .expected = "both above 0, or both below"});
    }
  } else {
    reals = spaced(axis, evenly);
  }
  if (axis.kind == "logspace") {
    for (double& x : reals) x = std::pow(10.0, x);
  }
  const bool whole =
      std::ranges::all_of(axis.arguments, [](const Value& v) { return v.index() == 1; }) &&
      std::ranges::all_of(reals, [](double x) { return x == std::floor(x) && std::abs(x) < 9e15; });
  if (!whole) return {reals.begin(), reals.end()};
  std::vector<Value> values;
  for (const double x : reals) values.emplace_back(static_cast<std::int64_t>(x));
  return values;
}

sweep::Axis axis_of(const AxisText& axis) { return {axis.key, values_of(axis), axis.when}; }

}  // namespace

sweep::Space space_of(const SweepText& text) {
  sweep::Space space;
  for (const AxisText& axis : text.axes) space.factors.emplace_back(axis_of(axis));
  for (const auto& zip : text.zips) {
    sweep::Zip zipped;
    for (const AxisText& axis : zip) zipped.axes.push_back(axis_of(axis));
    space.factors.emplace_back(std::move(zipped));
  }
  for (const SampleText& sample : text.samples) {
    const auto methods = names(sweep::Sampler{});
    const auto method = std::ranges::find(methods, sample.method);
    if (method == methods.end()) {
      throw UserError({.key = "sweep.sample.method",
                       .problem = fmt::format("\"{}\" is not known", sample.method),
                       .expected = fmt::format("one of {}", fmt::join(methods, ", "))});
    }
    sweep::Sample sampled{.sampler = static_cast<sweep::Sampler>(method - methods.begin()),
                          .points = static_cast<std::size_t>(std::max<std::int64_t>(sample.points, 0)),
                          .box = {}};
    for (const RangeText& range : sample.box) {
      sampled.box.push_back({.key = range.key,
                             .low = real(range.arguments[0]),
                             .high = real(range.arguments[1]),
                             .logarithmic = range.kind == "logarithmic"});
    }
    space.factors.emplace_back(std::move(sampled));
  }
  if (!text.blocks.empty()) {
    sweep::Blocks blocks;
    for (const SweepText& block : text.blocks) blocks.blocks.push_back(space_of(block));
    space.factors.emplace_back(std::move(blocks));
  }
  space.exclude = text.exclude;
  return space;
}

}  // namespace ecphory::app
