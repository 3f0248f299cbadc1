#include "ecphory/base/parameters.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ecphory/base/nearest.hpp"

namespace ecphory::base {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

std::string real_text(double x) {
  if (std::isinf(x)) return x > 0 ? "inf" : "-inf";
  if (std::isnan(x)) return "nan";
  std::string text = fmt::format("{}", x);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string quoted(const std::string& s) {
  std::string text = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      text += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      text += c;
    }
  }
  return text + "\"";
}

bool in_range(const Allowed& allowed, double x) {
  if (std::isnan(x)) return false;
  if (std::isinf(x)) return allowed.infinite && x > 0;
  return x <= allowed.high && (allowed.low_excluded ? x > allowed.low : x >= allowed.low);
}

bool is_allowed(const Allowed& allowed, const Value& value) {
  return std::visit(Overloaded{
                        [](bool) { return true; },
                        [&](std::int64_t n) {
                          return in_range(allowed, static_cast<double>(n)) && n % allowed.multiple_of == 0;
                        },
                        [&](double x) { return in_range(allowed, x); },
                        [&](const std::string& s) {
                          return allowed.choices.empty() ||
                                 std::find(allowed.choices.begin(), allowed.choices.end(), s) !=
                                     allowed.choices.end();
                        },
                    },
                    value);
}

}  // namespace

std::string to_text(const Value& value) {
  return std::visit(Overloaded{
                        [](bool b) { return std::string(b ? "true" : "false"); },
                        [](std::int64_t n) { return fmt::format("{}", n); },
                        [](double x) { return real_text(x); },
                        [](const std::string& s) { return quoted(s); },
                    },
                    value);
}

std::string allowed_text(const Parameter& parameter) {
  const Allowed& allowed = parameter.allowed;
  const auto range = [&](std::string text) {
    if (std::isfinite(allowed.low))
      text += fmt::format(" {} {}", allowed.low_excluded ? ">" : ">=", allowed.low);
    if (std::isfinite(allowed.high)) {
      text += fmt::format("{} <= {}", std::isfinite(allowed.low) ? " and" : "", allowed.high);
    }
    if (allowed.infinite) text += ", or inf";
    return text;
  };
  return std::visit(Overloaded{
                        [](bool) { return std::string("true or false"); },
                        [&](std::int64_t) {
                          if (allowed.multiple_of == 2) return range("an even whole number");
                          if (allowed.multiple_of > 2)
                            return range(fmt::format("a multiple of {}", allowed.multiple_of));
                          return range("a whole number");
                        },
                        [&](double) { return range("a number"); },
                        [&](const std::string&) {
                          if (allowed.choices.empty()) return std::string("a string");
                          return fmt::format("one of {}", fmt::join(allowed.choices, ", "));
                        },
                    },
                    parameter.default_value);
}

Value checked(const Parameter& parameter, const Value& value) {
  Value converted = value;
  if (std::holds_alternative<double>(parameter.default_value)) {
    if (const auto* n = std::get_if<std::int64_t>(&value)) converted = static_cast<double>(*n);
  }
  Complaint complaint{.key = parameter.key, .expected = allowed_text(parameter)};
  if (converted.index() != parameter.default_value.index()) {
    complaint.problem = fmt::format("{} has the wrong type", to_text(value));
    complaint.remedy = fmt::format("for example {}, the default", to_text(parameter.default_value));
    throw UserError(complaint);
  }
  if (!is_allowed(parameter.allowed, converted)) {
    complaint.problem = fmt::format("{} is not allowed", to_text(value));
    complaint.remedy = fmt::format("the default is {}", to_text(parameter.default_value));
    if (const auto* name = std::get_if<std::string>(&converted)) {
      const std::string nearest = nearest_name(*name, parameter.allowed.choices);
      if (!nearest.empty()) complaint.remedy = fmt::format("did you mean \"{}\"?", nearest);
    }
    throw UserError(complaint);
  }
  return converted;
}

const Parameter& find_parameter(std::span<const Parameter> parameters, std::string_view key) {
  std::vector<std::string> keys;
  for (const Parameter& parameter : parameters) {
    if (parameter.key == key) return parameter;
    keys.push_back(parameter.key);
  }
  const std::string nearest = nearest_name(key, keys);
  throw UserError({.key = std::string(key),
                   .problem = "unknown key",
                   .expected = fmt::format("one of {}", fmt::join(keys, ", ")),
                   .remedy = nearest.empty() ? "" : fmt::format("did you mean {}?", nearest)});
}

}  // namespace ecphory::base
