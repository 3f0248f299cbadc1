#include "ecphory/dynamics/certificate.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ecphory::dynamics {

using compute::Index;

namespace {

/// Whether a matrix within the layer has a negative diagonal element.
template <class Real>
bool inhibits_itself(const Network<Real>& network, LayerId layer) {
  for (const Synapse<Real>& synapse : network.synapses()) {
    for (const Projection<Real>& p : projections_of(synapse)) {
      if (p.post != layer || p.pre.front() != layer) continue;
      const Index n = network.layers()[layer].neurons;
      for (Index i = 0; i < n; ++i) {
        if (p.sparse != nullptr && p.sparse->coeff(i, i) < 0) return true;
        if (p.w != nullptr && p.w->data()[i * n + i] < 0) return true;
      }
    }
  }
  return false;
}

/// Layers that a synapse reads or drives, each once.
template <class Real>
std::set<LayerId> joined_by(const Synapse<Real>& synapse) {
  std::set<LayerId> layers;
  for (const Projection<Real>& p : projections_of(synapse)) {
    layers.insert(p.pre.begin(), p.pre.end());
    layers.insert(p.post);
  }
  return layers;
}

}  // namespace

template <class Real>
Certificate certify(const Network<Real>& network) {
  Certificate result;
  const auto& layers = network.layers();
  for (const Synapse<Real>& synapse : network.synapses()) {
    if (has_energy(synapse)) continue;
    const Projection<Real> p = projections_of(synapse).front();
    result.has_energy = result.never_rises = result.bounded_below = false;
    const std::string kind = p.hyper != nullptr ? p.hyper->name() : "asymmetric";
    result.reasons.push_back(fmt::format("The synapse from {} to {} is {}: it derives from no energy.",
                                         layers[p.pre.front()].name, layers[p.post].name, kind));
  }
  if (!std::ranges::all_of(network.lifetimes(), &Lifetime::always)) {
    result.never_rises = false;
    result.reasons.push_back("Synapses come or go with time: that may raise the energy.");
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
    if (!traits.convex && layer.tau > 0) {
      result.never_rises = false;
      result.reasons.push_back(fmt::format("The {} Lagrangian of {} is not convex: the energy may rise.",
                                           traits.name, layer.name));
    }
    if (!traits.elementwise && !layer.tau_of_neuron.empty()) {
      result.never_rises = false;
      result.reasons.push_back(fmt::format(
          "The neurons of {} have different time constants and the outputs of its {} Lagrangian depend "
          "on one another: the energy may rise.",
          layer.name, traits.name));
    }
    if (std::holds_alternative<Sign>(layer.lagrangian)) {
      if (inhibits_itself(network, static_cast<LayerId>(&layer - layers.data()))) {
        result.never_rises = false;
        result.reasons.push_back(fmt::format(
            "Binary neurons of {} inhibit themselves: in continuous time a jump may raise the energy.",
            layer.name));
      }
      result.remarks.push_back(
          fmt::format("The neurons of {} are binary: the energy falls when they flip one by one; updated all "
                      "at once they may "
                      "raise it.",
                      layer.name));
    } else if (!traits.null_direction.empty() && layer.tau > 0) {
      result.remarks.push_back(fmt::format(
          "The {} Lagrangian of {} has a singular Hessian along {}: dE/dt = 0 does not imply a fixed point.",
          traits.name, layer.name, traits.null_direction));
    }
  }
  // x·g − L(x) grows faster than any linear function of g where g is unbounded, and is bounded where g is. So
  // a synapse is harmless when it is linear in every unbounded output, that is when at most one of its two
  // ends is unbounded. A hypersynapse is harmless when all its outputs are bounded, or when it says so and no
  // other synapse needs the same growth.
  std::vector<int> synapses_of(layers.size(), 0);
  for (const Synapse<Real>& synapse : network.synapses()) {
    for (const LayerId layer : joined_by(synapse)) ++synapses_of[layer];
  }
  for (const Synapse<Real>& synapse : network.synapses()) {
    if (!has_energy(synapse)) continue;
    std::vector<std::string> unbounded;
    bool shared = false;
    for (const LayerId layer : joined_by(synapse)) {
      if (traits_of(layers[layer].lagrangian).bounded_output) continue;
      unbounded.push_back(layers[layer].name);
      shared = shared || synapses_of[layer] > 1;
    }
    const auto* const hyper = std::get_if<std::shared_ptr<const Hypersynapse<Real>>>(&synapse);
    if (unbounded.empty()) continue;
    if (hyper == nullptr && unbounded.size() == 1 &&
        projections_of(synapse).front().pre.front() != projections_of(synapse).front().post) {
      continue;
    }
    if (hyper != nullptr && (*hyper)->bounded_below() && !shared) continue;
    result.bounded_below = false;
    result.reasons.push_back(fmt::format(
        "The {} of {} is not linear in unbounded outputs: the energy may fall without end.",
        hyper == nullptr ? "synapse" : (*hyper)->name() + " synapse", fmt::join(unbounded, " and ")));
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
