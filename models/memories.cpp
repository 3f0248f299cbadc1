#include "ecphory/models/memories.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ecphory/models/biology.hpp"

namespace ecphory::models {

const std::vector<Memory>& all_memories() {
  static const std::vector<Memory> memories = {
      hopfield(),     dense(),      modern(),    two_layer(),    binary_hopfield(), exponential(),
      sparse(),       simplicial(), sequence(),  hierarchical(), epanechnikov(),    energy_transformer(),
      input_driven(), astrocyte(),  attention(),
  };
  return memories;
}

namespace {

/// The condition on model.name, and on the memory's own keys, under which a key has an effect; empty when it
/// always has.
std::string memories_with(const std::string& key) {
  std::string condition;
  bool always = true;
  for (const Memory& memory : all_memories()) {
    const auto at = std::ranges::find(memory.model.parameters, key, &base::Parameter::key);
    always = always && at != memory.model.parameters.end() && at->when.empty();
    if (at == memory.model.parameters.end()) continue;
    const std::string own = fmt::format("model.name == \"{}\"", memory.model.name);
    condition += condition.empty() ? "" : " or ";
    condition += at->when.empty() ? own : fmt::format("({} and {})", own, at->when);
  }
  return always ? "" : condition;
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
  for (const auto* common : {&fluctuations_table().parameters(), &biology_table().parameters()})
    parameters.insert(parameters.end(), common->begin(), common->end());
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
