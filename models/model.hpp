#pragma once
// What a named model says of itself.

#include <string>
#include <vector>

#include "ecphory/base/parameters.hpp"

namespace ecphory::models {

struct Model {
  std::string name;
  std::string title;     ///< one line
  std::string equation;  ///< plain text, several lines
  std::string source;    ///< the paper
  std::vector<base::Parameter> parameters;
};

}  // namespace ecphory::models
