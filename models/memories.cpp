#include "ecphory/models/memories.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ecphory::models {

const std::vector<Memory>& all_memories() {
  static const std::vector<Memory> memories = {hopfield(), dense(), modern(), two_layer()};
  return memories;
}

namespace {

/// The condition on model.name under which a memory has that key; empty when all have it.
std::string memories_with(const std::string& key) {
  std::string condition;
  bool all = true;
  for (const Memory& memory : all_memories()) {
    const bool has = std::ranges::find(memory.model.parameters, key, &base::Parameter::key) !=
                     memory.model.parameters.end();
    all = all && has;
    if (!has) continue;
    condition += fmt::format("{}model.name == \"{}\"", condition.empty() ? "" : " or ", memory.model.name);
  }
  return all ? "" : condition;
}

}  // namespace

std::vector<base::Parameter> memory_parameters() {
  base::Parameter name{.key = "model.name",
                       .default_value = std::string("modern"),
                       .unit = "1",
                       .meaning = "which memory; ecphory describe NAME lists the keys that it takes",
                       .allowed = {}};
  for (const Memory& memory : all_memories()) name.allowed.choices.push_back(memory.model.name);
  std::vector<base::Parameter> parameters = {std::move(name)};
  parameters.insert(parameters.end(), fluctuations_table().parameters().begin(),
                    fluctuations_table().parameters().end());
  for (const Memory& memory : all_memories()) {
    for (const base::Parameter& parameter : memory.model.parameters) {
      if (std::ranges::find(parameters, parameter.key, &base::Parameter::key) != parameters.end()) continue;
      parameters.push_back(parameter);
      parameters.back().when = memories_with(parameter.key);
    }
  }
  return parameters;
}

const Memory& memory_of(const base::Point& point) {
  const std::string& name = base::get<std::string>(point, "model.name");
  for (const Memory& memory : all_memories()) {
    if (memory.model.name == name) return memory;
  }
  throw base::Bug("no memory of this name: " + name);
}

}  // namespace ecphory::models
