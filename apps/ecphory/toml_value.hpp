#pragma once

#include <optional>

#include <toml++/toml.h>

#include "ecphory/base/parameters.hpp"

namespace ecphory::app {

/// A TOML boolean, number or string as the value of a setting; nothing for other nodes.
inline std::optional<base::Value> scalar_of(const toml::node& node) {
  if (const auto* const b = node.as_boolean()) return b->get();
  if (const auto* const n = node.as_integer()) return n->get();
  if (const auto* const x = node.as_floating_point()) return x->get();
  if (const auto* const s = node.as_string()) return s->get();
  return std::nullopt;
}

}  // namespace ecphory::app
