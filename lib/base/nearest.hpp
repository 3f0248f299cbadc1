#pragma once
// The valid name nearest to a misspelt one, for error messages.

#include <span>
#include <string>
#include <string_view>

namespace ecphory::base {

/// The candidate with the smallest edit distance (Levenshtein 1966) to `name`, or an empty string when none
/// is nearer than half of the longer word.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

}  // namespace ecphory::base
