#pragma once
// The list of memories that store patterns, and how an experiment takes any of them.

#include <span>
#include <vector>

#include "ecphory/models/memory.hpp"

namespace ecphory::models {

Memory hopfield();
Memory dense();
Memory modern();
Memory two_layer();
Memory binary_hopfield();
Memory exponential();
Memory sparse();
Memory simplicial();
Memory sequence();
Memory hierarchical();
Memory epanechnikov();
Memory energy_transformer();
Memory input_driven();
Memory astrocyte();
Memory attention();

const std::vector<Memory>& all_memories();

/// Settings of the section `model` for an experiment on any of them: `model.name`, and the parameters of all,
/// a key that several have being one setting.
std::vector<base::Parameter> memory_parameters();

/// The memory that `model.name` of the point names.
const Memory& memory_of(const base::Point& point);

}  // namespace ecphory::models
