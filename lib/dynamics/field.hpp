#pragma once
// The vector field of a network on whole batches: drives, energies and the slope of the energy.

#include <span>
#include <vector>

#include "ecphory/dynamics/network.hpp"

namespace ecphory::dynamics {

/// Evaluates one network for columns that are trajectories, on one device: the views of its functions are
/// there. Holds buffers: one for each thread. The network must outlive it. On a GPU there are drives only,
/// not tangents and energies, of networks for which has_gpu_form() and runs_on_gpu() hold.
template <class Real>
class Field {
 public:
  using View = compute::View<Real>;
  using ConstView = compute::View<const Real>;

  /// Copies the weights to the device, each matrix once.
  explicit Field(const Network<Real>& network, compute::Device device = compute::kCpu);

  compute::Device device() const { return device_; }

  /// From here on, column j is trajectory ids[j] (below 0: no trajectory), and inputs have their values of
  /// time t (ms).
  void select(std::span<const compute::Index> ids, double t);

  /// d ← I + Σ drives, so that τ dx/dt = d − x. x and d are (rows of the state, columns).
  void drive(ConstView x, View d);

  /// du ← D d(x) u, the derivative of the drive at the x of the last call of drive() or energy(), which is
  /// still in its place, along the directions u (rows of the state, columns): so that τ J u = du − u for the
  /// Jacobian J of dx/dt.
  void drive_tangent(ConstView u, View du);

  /// E of every column, (1, columns). Throws UserError when a synapse has no energy.
  void energy(ConstView x, View e);

  /// dE/dt = −Σ τ ẋᵀ ∇²L ẋ of every column, (1, columns), for constant input. Throws as energy() does.
  void energy_slope(ConstView x, View slope);

  /// The state x of a layer and its output g as of the last call of drive() or energy(), (neurons, columns).
  /// On a GPU the output of an instantaneous layer lies where its state was.
  ConstView state(LayerId layer) const { return states_[layer]; }
  ConstView output(LayerId layer) const { return outputs_[layer]; }

 private:
  void ensure_energy() const;
  void evaluate(ConstView x);
  void add_drives(LayerId layer, View d);
  ConstView output_tangent(LayerId layer, ConstView state_tangent);
  View buffer(std::vector<compute::Array<Real>>& buffers, LayerId layer);

  /// I of a layer for the selected columns; empty for none.
  compute::Array<Real> current_of(const Layer<Real>& layer) const;
  void add_drives_on_gpu(LayerId layer, View d);

  const Network<Real>& network_;
  compute::Device device_;
  struct Driver {
    Projection<Real> projection;
    Lifetime lifetime;
  };
  std::vector<std::vector<Driver>> drivers_;  // by the layer that is driven
  double time_ = 0;
  std::vector<compute::Index> ids_;
  std::vector<compute::Array<Real>> currents_;       // (neurons, columns), empty for none
  std::vector<compute::Array<Real>> output_memory_;  // of layers that are not quadratic
  std::vector<compute::Array<Real>> state_memory_;   // of instantaneous layers
  std::vector<ConstView> states_;
  std::vector<ConstView> outputs_;
  std::vector<compute::Array<Real>> state_tangent_memory_;  // of instantaneous layers
  std::vector<compute::Array<Real>> output_tangent_memory_;
  std::vector<ConstView> output_tangents_;
};

extern template class Field<float>;
extern template class Field<double>;

}  // namespace ecphory::dynamics
