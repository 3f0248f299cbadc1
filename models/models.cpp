#include "ecphory/models/models.hpp"

#include "ecphory/models/amicl.hpp"
#include "ecphory/models/amicl_dynamics.hpp"
#include "ecphory/models/icl_transformer.hpp"
#include "ecphory/models/memories.hpp"

namespace ecphory::models {

const std::vector<Model>& all_models() {
  static const std::vector<Model> models = [] {
    std::vector<Model> list = {amicl(), amicl_dynamics(), icl_transformer()};
    for (const Memory& memory : all_memories()) list.push_back(memory.model);
    return list;
  }();
  return models;
}

}  // namespace ecphory::models
