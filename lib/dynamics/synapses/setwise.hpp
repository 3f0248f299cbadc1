#pragma once
// Setwise connections: synapses that join more than two neurons of a layer.

#include <vector>

#include "ecphory/dynamics/hypersynapse.hpp"

namespace ecphory::dynamics {

/// Sets of k neurons each, with a weight each: the k−1-simplices of Burns & Fukai (2023, arXiv 2305.05179).
struct Sets {
  compute::Index size = 2;                   ///< k ≥ 1, neurons of a set
  std::vector<compute::Index> members = {};  ///< (k, sets), every set's neurons differ
  std::vector<double> weights = {};          ///< (sets)
};

/// E = −Σ_σ w_σ Π_{i∈σ} g_i over sets σ of any sizes of neurons of one layer; drives neuron i with Σ_{σ∋i}
/// w_σ Π_{j∈σ∖i} g_j. Time and memory are in proportion to the members of all sets.
template <class Real>
class Setwise final : public Hypersynapse<Real> {
 public:
  using typename Hypersynapse<Real>::View;
  using typename Hypersynapse<Real>::ConstView;
  using typename Hypersynapse<Real>::Ids;

  /// Throws UserError for a member outside 0 … neurons−1, one that a set has twice, or weights that are not
  /// finite or not one for each set.
  Setwise(LayerId layer, compute::Index neurons, std::vector<Sets> sets);

  std::string name() const override { return "setwise"; }
  std::vector<LayerId> layers() const override { return {layer_}; }
  void check(std::span<const compute::Index> neurons, std::span<const compute::Index> driven) const override;
  bool has_energy() const override { return true; }
  void add_energy(std::span<const ConstView> outputs, Ids ids, View e) const override;
  void add_drive(std::span<const ConstView> outputs, Ids ids, std::size_t place, View d) const override;
  void add_drive_tangent(std::span<const ConstView> outputs, std::span<const ConstView> tangents, Ids ids,
                         std::size_t place, View d) const override;
  double flip_change(ConstView g, compute::Index trajectory, compute::Index i) const override;

 private:
  struct Place {
    std::uint32_t sets;   ///< which of sets_
    std::uint32_t which;  ///< which of its sets
  };

  LayerId layer_;
  std::vector<Sets> sets_;
  std::vector<std::size_t> first_;  // of the places of each neuron, and behind the last
  std::vector<Place> places_;       // of each neuron's sets
};

extern template class Setwise<float>;
extern template class Setwise<double>;

}  // namespace ecphory::dynamics
