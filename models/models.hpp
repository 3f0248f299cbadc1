#pragma once
// The list of models.

#include <vector>

#include "ecphory/models/model.hpp"

namespace ecphory::models {

const std::vector<Model>& all_models();

}  // namespace ecphory::models
