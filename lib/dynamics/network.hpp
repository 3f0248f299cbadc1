#pragma once
// Networks: layers with Lagrangians, joined by synapses (Krotov & Hopfield 2021, arXiv 2008.06996; Krotov
// 2021, arXiv 2107.06446; Hoover et al., HAMUX).
//
//     τ_ℓ dx_ℓ/dt = −x_ℓ + I_ℓ(t) + Σ (drives of the synapses),   g_ℓ = ∇L_ℓ(x_ℓ)
//     E = Σ_ℓ [(x_ℓ − I_ℓ)·g_ℓ − L_ℓ(x_ℓ)] + Σ_s E_s
//
// A layer with τ = 0 is instantaneous: x_ℓ is what drives it.

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "ecphory/dynamics/input.hpp"
#include "ecphory/dynamics/lagrangian.hpp"
#include "ecphory/dynamics/synapse.hpp"

namespace ecphory::dynamics {

/// Gaussian white noise of every neuron of a layer, independent of all others:
///     τ dx = (…) dt + √(2τ) (additive + proportional · x) dW
/// `additive` is the standard deviation that a layer without drives settles at.
struct Noise {
  double additive = 0;
  double proportional = 0;

  bool present() const { return additive != 0 || proportional != 0; }
};

template <class Real>
struct Layer {
  std::string name;
  compute::Index neurons = 0;
  Lagrangian lagrangian = Quadratic{};
  double tau = 10;                         ///< time constant, ms; 0 is instantaneous
  std::vector<double> tau_of_neuron = {};  ///< ms, > 0, one for each neuron; empty: all have tau
  Input<Real> input = {};                  ///< I(t)
  Noise noise = {};
};

/// When a synapse is there: from ≤ t < until, ms.
struct Lifetime {
  double from = -std::numeric_limits<double>::infinity();
  double until = std::numeric_limits<double>::infinity();

  bool holds(double t) const { return from <= t && t < until; }
  bool always() const { return std::isinf(from) && std::isinf(until); }
};

/// Layers and synapses. The state of its trajectories is a (rows(), trajectories) matrix: the layers with τ >
/// 0 one below the other, in the order of adding.
template <class Real>
class Network {
 public:
  /// Throws UserError for a size, time constants, noise or Lagrangian out of range, or a name that is taken.
  LayerId add_layer(Layer<Real> layer);

  /// Gives a layer another noise. Throws UserError when it is out of range, or the layer is instantaneous.
  void set_noise(LayerId layer, const Noise& noise);

  /// Gives a layer another input current. Throws UserError when it does not fit the layer.
  void set_input(LayerId layer, Input<Real> input);

  /// Throws UserError when shapes do not fit the layers, weights are not finite, weights within one layer are
  /// not symmetric (to 1e-6 of the largest), the lifetime is empty, or the instantaneous layers would form a
  /// circle (which it names).
  void add_synapse(Synapse<Real> synapse, const Lifetime& lifetime = {});

  const std::vector<Layer<Real>>& layers() const { return layers_; }
  const std::vector<Synapse<Real>>& synapses() const { return synapses_; }

  /// Of each synapse.
  const std::vector<Lifetime>& lifetimes() const { return lifetimes_; }

  /// Rows of the state.
  compute::Index rows() const { return rows_; }

  /// First row of a layer with τ > 0 in the state; Bug for an instantaneous layer.
  compute::Index first_row(LayerId layer) const;

  /// Instantaneous layers, each after those that drive it.
  const std::vector<LayerId>& instantaneous_order() const { return order_; }

  /// The layer of that name. Throws UserError with the nearest name when there is none.
  LayerId find(const std::string& name) const;

 private:
  void check_projection(const Projection<Real>& projection) const;
  void check_symmetry(const Synapse<Real>& synapse) const;
  std::vector<LayerId> sorted_instantaneous() const;

  std::vector<Layer<Real>> layers_;
  std::vector<Synapse<Real>> synapses_;
  std::vector<Lifetime> lifetimes_;
  std::vector<compute::Index> first_rows_;
  std::vector<LayerId> order_;
  compute::Index rows_ = 0;
};

extern template class Network<float>;
extern template class Network<double>;

}  // namespace ecphory::dynamics
