#pragma once
// Settings by name: what a key means, which values it takes, and the struct field it ends in.

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ecphory/base/error.hpp"
#include "ecphory/base/named_enum.hpp"

namespace ecphory::base {

/// The value of one setting.
using Value = std::variant<bool, std::int64_t, double, std::string>;

/// One point of a parameter space: a value for every dotted key ("model.a"), in the order of the keys.
using Point = std::map<std::string, Value>;

/// Canonical text that reads back as the same value: shortest round-trip decimals, TOML's spelling
/// (2.0, inf, "dot", true).
std::string to_text(const Value& value);

/// Which values a setting takes, beyond its type.
struct Allowed {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_excluded = false;
  bool infinite = false;                  ///< +inf is a value
  std::int64_t multiple_of = 1;           ///< for whole numbers
  std::vector<std::string> choices = {};  ///< for names
};

inline Allowed at_least(double low) { return {.low = low}; }
inline Allowed above(double low) { return {.low = low, .low_excluded = true}; }
inline Allowed between(double low, double high) { return {.low = low, .high = high}; }

/// The description of one setting.
struct Parameter {
  std::string key;  ///< dotted
  Value default_value;
  std::string unit;  ///< "1" when dimensionless
  std::string meaning;
  Allowed allowed;
  std::string when = {};  ///< the Expression without which the key has no effect; empty: it always has one
};

/// "a number >= 0", "an even whole number >= 4", "one of dot, correlation": for messages and documentation.
std::string allowed_text(const Parameter& parameter);

/// `value` as the parameter's own type (a whole number stands for a real one). Throws UserError (with the
/// key) when the type or the value is not allowed.
Value checked(const Parameter& parameter, const Value& value);

/// The parameter of that key. Throws UserError that names the nearest key when there is none.
const Parameter& find_parameter(std::span<const Parameter> parameters, std::string_view key);
const Parameter& find_parameter(std::vector<Parameter>&& parameters,
                                std::string_view key) = delete;  // would dangle

/// The value of `key`, which must be there with that type (else Bug).
template <class T>
const T& get(const Point& point, const std::string& key) {
  const auto at = point.find(key);
  if (at == point.end() || !std::holds_alternative<T>(at->second))
    throw Bug("no such setting in this point: " + key);
  return std::get<T>(at->second);
}

/// Connects the fields of a parameter struct with the keys of one section: one line a field, from which come
/// the checks, the documentation and the struct that the program works with. Defaults are the struct's own.
template <class Struct>
class ParameterTable {
 public:
  /// `section` is what stands before the dot ("model"); empty for keys without one.
  explicit ParameterTable(std::string section) : section_(std::move(section)) {}

  template <class T>
  ParameterTable& add(const std::string& name, T Struct::*field, std::string unit, std::string meaning,
                      Allowed allowed = {}) {
    const std::string key = section_.empty() ? name : section_ + "." + name;
    if constexpr (NamedEnum<T>) {
      for (const std::string_view choice : names(T{})) allowed.choices.emplace_back(choice);
      readers_.push_back([field, key](const Point& point, Struct& s) {
        const auto all = names(T{});
        for (std::size_t i = 0; i < all.size(); ++i) {
          if (all[i] == get<std::string>(point, key)) s.*field = static_cast<T>(i);
        }
      });
    } else {
      readers_.push_back([field, key](const Point& point, Struct& s) { s.*field = get<T>(point, key); });
    }
    parameters_.push_back(
        {key, default_of(Struct{}.*field), std::move(unit), std::move(meaning), std::move(allowed), {}});
    return *this;
  }

  /// Says of the setting that was added last that it has an effect only where the Expression `condition`
  /// holds.
  ParameterTable& when(std::string condition) {
    parameters_.back().when = std::move(condition);
    return *this;
  }

  const std::vector<Parameter>& parameters() const { return parameters_; }

  /// The struct with every field set from `point`, which holds checked values for all of the keys.
  Struct read(const Point& point) const {
    Struct s;
    for (const auto& reader : readers_) reader(point, s);
    return s;
  }

 private:
  template <class T>
  static Value default_of(const T& value) {
    if constexpr (NamedEnum<T>) {
      return name_of(value);
    } else {
      return value;
    }
  }

  std::string section_;
  std::vector<Parameter> parameters_;
  std::vector<std::function<void(const Point&, Struct&)>> readers_;
};

}  // namespace ecphory::base
