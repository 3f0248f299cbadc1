#include "ecphory/models/neuron.hpp"

#include <array>

namespace ecphory::models {

std::span<const std::string_view> names(Neuron) {
  static constexpr std::array<std::string_view, 2> kNames = {"graded", "binary"};
  return kNames;
}

dynamics::Lagrangian lagrangian_of(Neuron neuron, double gain) {
  if (neuron == Neuron::binary) return dynamics::Sign{};
  return dynamics::Tanh{gain};
}

}  // namespace ecphory::models
