#pragma once
// Synapses that are not a matrix between two layers: an interaction of the outputs of any layers.

#include <span>
#include <string>
#include <vector>

#include "ecphory/compute/view.hpp"

namespace ecphory::dynamics {

/// A layer of a network, by the order of adding.
using LayerId = std::size_t;

/// Drives each of its layers with −∂E/∂g of an energy E(g₁, g₂, …) of their outputs (Hoover et al., HAMUX),
/// or, where it has no energy, with whatever it says. Shared by threads: its functions change nothing. In all
/// of them outputs[k] is (neurons, columns) of layers()[k], and `ids` has the trajectory of each column
/// (below 0: a column without one).
template <class Real>
class Hypersynapse {
 public:
  using View = compute::View<Real>;
  using ConstView = compute::View<const Real>;
  using Ids = std::span<const compute::Index>;

  virtual ~Hypersynapse() = default;

  /// What it is called in messages.
  virtual std::string name() const = 0;

  /// The layers whose outputs it reads.
  virtual std::vector<LayerId> layers() const = 0;

  /// The layers that it drives; layers() where it has an energy.
  virtual std::vector<LayerId> driven() const { return layers(); }

  /// Throws UserError unless it fits layers of so many neurons, in the orders of layers() and driven().
  virtual void check(std::span<const compute::Index> neurons,
                     std::span<const compute::Index> driven) const = 0;

  virtual bool has_energy() const = 0;

  /// Whether E plus half the squared length of its outputs is bounded below, however large they get.
  virtual bool bounded_below() const { return false; }

  /// e(1, columns) += E. Bug without an energy.
  virtual void add_energy(std::span<const ConstView> outputs, Ids ids, View e) const = 0;

  /// d(neurons, columns) += its drive of driven()[place].
  virtual void add_drive(std::span<const ConstView> outputs, Ids ids, std::size_t place, View d) const = 0;

  /// d += the derivative of that drive along the directions `tangents` of the outputs.
  virtual void add_drive_tangent(std::span<const ConstView> outputs, std::span<const ConstView> tangents,
                                 Ids ids, std::size_t place, View d) const = 0;

  /// E(g with g_i → −g_i) − E(g) for one column g of its only layer.
  virtual double flip_change(ConstView g, compute::Index trajectory, compute::Index i) const;
};

extern template class Hypersynapse<float>;
extern template class Hypersynapse<double>;

}  // namespace ecphory::dynamics
