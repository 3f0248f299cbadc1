#pragma once
// What the visible neurons of a memory give out.

#include <span>
#include <string_view>

#include "ecphory/dynamics/lagrangian.hpp"

namespace ecphory::models {

enum class Neuron {
  graded,  ///< tanh(κx)
  binary,  ///< sgn(x), for the discrete methods synchronous and asynchronous
};
std::span<const std::string_view> names(Neuron);

dynamics::Lagrangian lagrangian_of(Neuron neuron, double gain);

}  // namespace ecphory::models
