#include "ecphory/models/models.hpp"

#include "ecphory/models/amicl.hpp"

namespace ecphory::models {

const std::vector<Model>& all_models() {
  static const std::vector<Model> models = {
      amicl(),
  };
  return models;
}

}  // namespace ecphory::models
