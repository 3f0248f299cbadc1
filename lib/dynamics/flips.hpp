#pragma once
// How single flips change the energy of a network of binary neurons.

#include <span>
#include <string>
#include <vector>

#include "ecphory/dynamics/network.hpp"

namespace ecphory::dynamics {

/// Why the neurons of this network cannot flip one by one; empty where they can: one layer with τ > 0, whose
/// output is sgn(x), every other layer instantaneous and joined by symmetric synapses with that one only, and
/// an energy.
template <class Real>
std::string unfit_for_flips(const Network<Real>& network);

/// The energy of spins s = ±1 is
///     E(s) = −I·s − ½ sᵀW s − Σ L(Ξᵀs + J) + Σ E_hyper(s)
/// with weights W within the layer, instantaneous layers of Lagrangian L and current J behind weights Ξ, and
/// hypersynapses. Local fields and hidden states are kept up to date, so that a change takes O(1) operations
/// for W, O(memories) for a hidden layer, and a flip O(neurons) for W or O(synapses of the neuron) where it
/// is sparse. The network must outlive it.
template <class Real>
class Flips {
 public:
  using View = compute::View<Real>;
  using ConstView = compute::View<const Real>;

  explicit Flips(const Network<Real>& network);

  /// Starts from s = sgn(x), (neurons, columns), for the trajectories `ids` at time t (ms).
  void start(std::span<const compute::Index> ids, double t, ConstView x);

  /// E after − E before, if neuron i of the column flipped.
  double change(compute::Index column, compute::Index i);

  void flip(compute::Index column, compute::Index i);

  /// s, (neurons, columns).
  ConstView spins() const { return ConstView(View(const_cast<compute::Array<Real>&>(spins_))); }

 private:
  /// An instantaneous layer, with its weights as (memories, neurons): one column for each neuron.
  struct Hidden {
    LayerId layer;
    compute::Array<Real> dense = {};
    Eigen::SparseMatrix<Real> sparse = {};
    compute::Array<Real> states = {};  // (memories, columns)
    std::vector<Real> values = {};     // L of each column
    std::vector<Real> trial = {};      // the states after a flip
  };

  void add_hidden(const Synapse<Real>& synapse);
  Real value_of(const Hidden& hidden, const Real* states) const;
  void add_flipped(const Hidden& hidden, Real by, compute::Index i, Real* states) const;

  const Network<Real>& network_;
  LayerId layer_ = 0;
  std::vector<Weights<Real>> within_;
  std::vector<SparseWeights<Real>> sparse_within_;
  std::vector<std::shared_ptr<const Hypersynapse<Real>>> hyper_;
  std::vector<Hidden> hidden_;
  std::vector<compute::Index> ids_;
  compute::Array<Real> spins_;   // (neurons, columns)
  compute::Array<Real> fields_;  // (neurons, columns) I + W s
};

extern template class Flips<float>;
extern template class Flips<double>;

}  // namespace ecphory::dynamics
