#pragma once
// The ways to write an axis in [sweep].

#include <string>
#include <vector>

#include "ecphory/base/parameters.hpp"

namespace ecphory::app {

/// `{linspace = [0.0, 2.0, 101]}` as it stands in the file.
struct AxisText {
  std::string kind;  ///< values, linspace or logspace
  std::vector<base::Value> arguments;
};

/// The kinds there are.
const std::vector<std::string>& axis_kinds();

/// The axis' values. linspace = [first, last, n]: n values evenly spaced; whole numbers when all three are
/// and the values come out whole. logspace = [first, last, n]: ten to the power of those. Throws UserError
/// without a key.
std::vector<base::Value> values_of(const AxisText& axis);

/// TOML.
std::string to_text(const AxisText& axis);

}  // namespace ecphory::app
