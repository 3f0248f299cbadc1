#pragma once
// What a refusal says.

#include <string>

#include "ecphory/base/error.hpp"

namespace ecphory::tests {

/// The message of the UserError that `work` throws; empty when it throws none.
template <class Work>
std::string refusal(const Work& work) {
  try {
    work();
  } catch (const base::UserError& error) {
    return error.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace ecphory::tests
