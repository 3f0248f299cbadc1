#pragma once
// Networks as attention layers and back: the same numbers, step by step.
//
// With the drive held over a step Δ, quadratic layers and instantaneous log-sum-exp memories between them,
//
//     τ ẋ = −x + I + Σ_h V_h softmax(β_h (K_hᵀ x + b_h))
//     x ← (1 − γ) x + γ (I + Σ_h V_h softmax(β_h (K_hᵀ x + b_h)))
//
// exponential Euler: γ = 1 − e^{−Δ/τ}, forward Euler: γ = Δ/τ (DESIGN §2.3; γ = 1: Ramsauer et al. 2021, eq.
// 3). A layer that a relay of gain 1 feeds back into itself has no leak, and x ← x + γ (…) is the
// Transformer's residual step.

#include <string>
#include <vector>

#include "ecphory/attention/stored_attention.hpp"
#include "ecphory/dynamics/integrators/integrator.hpp"
#include "ecphory/dynamics/network.hpp"

namespace ecphory::bridge {

using compute::Index;

/// Rows of the state that are a layer of the network.
struct Block {
  std::string name;
  Index first = 0;
  Index neurons = 0;
  bool residual = false;  ///< without leak

  bool operator==(const Block&) const = default;
};

/// A network as a stack of `depth` attention layers with the same weights.
template <class Real>
struct AttentionForm {
  attention::StoredAttention<Real> layer = {};
  std::vector<Block> blocks = {};  ///< one below the other, the layers of the network with τ > 0
  Eigen::VectorXd tau = {};        ///< (width) ms, of which the gates are made
  dynamics::Method method = dynamics::Method::exponential_euler;  ///< or euler: what gives γ from τ
  double step = 10;                                               ///< Δ, ms; infinite for γ = 1
  Index depth = 1;
};

/// Of a form.
inline constexpr Index kMostLayers = 10'000'000;

/// The remedy that attention_form() gives where nearest_with_attention_form() may help.
inline constexpr const char* kNearestForm = "approximate it and measure the error, or change the network";

/// `depth` steps of length `step` (ms) as attention layers. The method is exponential_euler or euler. Throws
/// UserError, with the layer or synapse, the reason and the nearest thing that can be done, for a network
/// that has no exact attention form, for a γ outside (0, 1] and for more than kMostLayers.
template <class Real>
AttentionForm<Real> attention_form(const dynamics::Network<Real>& network, double step, Index depth,
                                   dynamics::Method method = dynamics::Method::exponential_euler);

/// The network of which `form` is the attention form: blocks as layers with τ > 0, then each head as an
/// instantaneous memory layer; tied heads as symmetric synapses. Throws UserError for a form without blocks
/// and for gates that are not those of its τ, step and method.
template <class Real>
dynamics::Network<Real> network_of(const AttentionForm<Real>& form);

}  // namespace ecphory::bridge
