#pragma once
// Conditions on the settings of a point, as text.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ecphory/base/parameters.hpp"

namespace ecphory::base {

/// A condition such as `model.beta > 10 and not (task.length == 4 or model.name == "modern")`.
///
///     condition:   … or …, … and …, not …    on conditions, in this order of binding
///     comparison:  == != < <= > >=           on numbers; == and != on strings, and on true and false
///     number:      + - * /, unary −          on numbers and keys that are numbers; all count in double
///     atoms:       keys, 2.5, 1e-3, inf, "text" or 'text', true, false, ( … )
class Expression {
 public:
  /// Parses `text`, whose keys are among `parameters`. Throws UserError, with the column, for what cannot be
  /// read, an unknown key or choice (with the nearest), types that do not go together, what is no condition,
  /// or what is too long (10,000 characters) or nested too deep (100 levels). The complaint's key stays
  /// empty.
  Expression(std::string text, std::span<const Parameter> parameters);

  /// Whether it holds at a point, which has a value for every key that it names.
  bool holds(const Point& point) const;

  const std::string& text() const { return text_; }

  /// The keys that it names, sorted, each once.
  const std::vector<std::string>& keys() const { return keys_; }

  struct Node;

 private:
  std::string text_;
  std::vector<std::string> keys_;
  std::shared_ptr<const Node> root_;
};

}  // namespace ecphory::base
