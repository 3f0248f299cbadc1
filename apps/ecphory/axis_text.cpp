#include "axis_text.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"

namespace ecphory::app {
namespace {

using base::Value;

double real(const Value& value) {
  if (const auto* const n = std::get_if<std::int64_t>(&value)) return static_cast<double>(*n);
  if (const auto* const x = std::get_if<double>(&value)) return *x;
  return NAN;
}

std::vector<double> evenly_spaced(const AxisText& axis) {
  const auto& arguments = axis.arguments;
  const auto* const n = arguments.size() == 3 ? std::get_if<std::int64_t>(&arguments[2]) : nullptr;
  if (n == nullptr || !std::isfinite(real(arguments[0])) || !std::isfinite(real(arguments[1]))) {
    throw base::UserError({.problem = to_text(axis) + " cannot be understood",
                           .expected = axis.kind + " = [first, last, number of values]"});
  }
  constexpr std::int64_t kMost = 100'000'000;
  if (*n < 1 || *n > kMost) {
    throw base::UserError({.problem = *n < 1 ? "the axis is empty" : "the axis is too long",
                           .expected = fmt::format("1 to {} values", kMost),
                           .remedy = "change the last number of " + to_text(axis)});
  }
  std::vector<double> values(static_cast<std::size_t>(*n));
  const auto steps = static_cast<double>(std::max<std::int64_t>(*n - 1, 1));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto step = static_cast<double>(i);
    values[i] = (real(arguments[0]) * (steps - step) + real(arguments[1]) * step) / steps;
  }
  return values;
}

}  // namespace

const std::vector<std::string>& axis_kinds() {
  static const std::vector<std::string> kinds = {"values", "linspace", "logspace"};
  return kinds;
}

std::vector<Value> values_of(const AxisText& axis) {
  if (axis.kind == "values") return axis.arguments;
  std::vector<double> reals = evenly_spaced(axis);
  if (axis.kind == "logspace") {
    for (double& x : reals) x = std::pow(10.0, x);
    return {reals.begin(), reals.end()};
  }
  const bool whole = std::ranges::all_of(axis.arguments, [](const Value& v) { return v.index() == 1; }) &&
                     std::ranges::all_of(reals, [](double x) { return x == std::floor(x); });
  if (!whole) return {reals.begin(), reals.end()};
  std::vector<Value> values;
  for (const double x : reals) values.emplace_back(static_cast<std::int64_t>(x));
  return values;
}

std::string to_text(const AxisText& axis) {
  std::string list;
  for (const Value& value : axis.arguments) list += (list.empty() ? "" : ", ") + base::to_text(value);
  return fmt::format("{{{} = [{}]}}", axis.kind, list);
}

}  // namespace ecphory::app
