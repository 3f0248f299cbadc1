#include "ecphory/dynamics/certificate.hpp"

#include <fmt/format.h>

namespace ecphory::dynamics {

template <class Real>
Certificate certify(const Network<Real>& network) {
  Certificate result;
  const auto& layers = network.layers();
  for (const Synapse<Real>& synapse : network.synapses()) {
    if (has_energy(synapse)) continue;
    const Projection<Real> p = projections_of(synapse).front();
    result.has_energy = result.never_rises = result.bounded_below = false;
    result.reasons.push_back(
        fmt::format("The synapse from {} to {} is asymmetric: it derives from no energy.", layers[p.pre].name,
                    layers[p.post].name));
  }
  for (const Layer<Real>& layer : layers) {
    if (layer.input.moves()) {
      result.never_rises = false;
      result.reasons.push_back(
          fmt::format("The input of {} changes with time: a jump may raise the energy.", layer.name));
    }
    if (layer.noise.present()) {
      result.never_rises = false;
      result.reasons.push_back(fmt::format("{} has noise: it may raise the energy.", layer.name));
    }
    const LagrangianTraits traits = traits_of(layer.lagrangian);
    if (!traits.null_direction.empty() && layer.tau > 0) {
      result.remarks.push_back(fmt::format(
          "The {} Lagrangian of {} has a singular Hessian along {}: dE/dt = 0 does not imply a fixed point.",
          traits.name, layer.name, traits.null_direction));
    }
  }
  // x·g − L(x) grows faster than any linear function of g where g is unbounded, and is bounded where g is. So
  // a synapse is harmless when it is linear in every unbounded output, that is when at most one of its two
  // ends is unbounded.
  for (const Synapse<Real>& synapse : network.synapses()) {
    const Projection<Real> p = projections_of(synapse).front();
    if (!has_energy(synapse) || traits_of(layers[p.pre].lagrangian).bounded_output ||
        traits_of(layers[p.post].lagrangian).bounded_output) {
      continue;
    }
    result.bounded_below = false;
    result.reasons.push_back(fmt::format(
        "The synapse between {} and {} joins two unbounded outputs: the energy may fall without end.",
        layers[p.pre].name, layers[p.post].name));
  }
  return result;
}

std::string Certificate::text() const {
  std::string lines;
  if (!has_energy) {
    lines += "The network has no energy.\n";
  } else if (!never_rises) {
    lines += "The network has an energy, but it may rise.\n";
  } else {
    lines += fmt::format("The energy never rises{}.\n",
                         bounded_below ? " and is bounded below: every trajectory's energy converges" : "");
  }
  for (const std::string& sentence : reasons) lines += sentence + "\n";
  for (const std::string& sentence : remarks) lines += sentence + "\n";
  return lines;
}

template Certificate certify<float>(const Network<float>&);
template Certificate certify<double>(const Network<double>&);

}  // namespace ecphory::dynamics
