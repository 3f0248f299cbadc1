#pragma once
// Synapses with a state of their own: the weights between the neurons of a layer are the outputs of another.

#include "ecphory/dynamics/hypersynapse.hpp"

namespace ecphory::dynamics {

/// E = −gain Σ_{i<j} w_ij g_i g_j over all pairs of neurons of a layer, w being the outputs of a layer that
/// has one neuron for each pair: drives neuron i with gain Σ_{j≠i} w_ij g_j, and the weight of a pair with
/// gain · g_i g_j, which is Hebb's rule. So w is symmetric and no neuron has a synapse to itself.
template <class Real>
class Plastic final : public Hypersynapse<Real> {
 public:
  using typename Hypersynapse<Real>::View;
  using typename Hypersynapse<Real>::ConstView;
  using typename Hypersynapse<Real>::Ids;

  /// Outputs of `neurons` are g, those of `pairs` are w, in the order of pair_products().
  Plastic(LayerId neurons, LayerId pairs, Real gain = 1) : neurons_(neurons), pairs_(pairs), gain_(gain) {}

  std::string name() const override { return "plastic"; }
  std::vector<LayerId> layers() const override { return {neurons_, pairs_}; }
  void check(std::span<const compute::Index> neurons, std::span<const compute::Index> driven) const override;
  bool has_energy() const override { return true; }
  void add_energy(std::span<const ConstView> outputs, Ids ids, View e) const override;
  void add_drive(std::span<const ConstView> outputs, Ids ids, std::size_t place, View d) const override;
  void add_drive_tangent(std::span<const ConstView> outputs, std::span<const ConstView> tangents, Ids ids,
                         std::size_t place, View d) const override;

 private:
  LayerId neurons_;
  LayerId pairs_;
  Real gain_;
};

/// N (N − 1)/2.
constexpr compute::Index pairs_of(compute::Index neurons) { return neurons * (neurons - 1) / 2; }

/// g_i g_j of all pairs i > j of every column of g (neurons, columns): (pairs, columns), in the order (1, 0),
/// (2, 0) … (N−1, 0), (2, 1) … (N−1, N−2).
Eigen::MatrixXd pair_products(const Eigen::MatrixXd& g);

extern template class Plastic<float>;
extern template class Plastic<double>;

}  // namespace ecphory::dynamics
