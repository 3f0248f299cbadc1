#pragma once
// A batch of trajectories between two jumps of the input, as integrators see it: τ dx/dt = d(x) − x, row by
// row, in coordinates that need not be the neurons' own.

#include <memory>
#include <span>
#include <vector>

#include "ecphory/dynamics/network.hpp"

namespace ecphory::dynamics {

/// Columns are trajectories; a column's numbers depend on its trajectory alone. One flow for each thread.
template <class Real>
class Flow {
 public:
  using View = compute::View<Real>;
  using ConstView = compute::View<const Real>;

  virtual ~Flow() = default;

  virtual const Network<Real>& network() const = 0;

  /// Where its states are. The views of its functions are there, but for the neurons' states, which are on
  /// the CPU; pointers are to the CPU's memory.
  virtual compute::Device device() const { return compute::kCpu; }

  /// Trajectories of the present columns.
  virtual std::span<const compute::Index> ids() const = 0;

  /// Rows of a state, and the time constant (ms) of each.
  virtual compute::Index rows() const = 0;
  virtual const std::vector<double>& tau() const = 0;

  /// Standard deviation of the noise of each row, additive and proportional; empty without noise.
  virtual const std::vector<Noise>& noise() const = 0;

  /// Starts at time t (ms), from which on the input does not jump: column j is trajectory ids[j] (below 0:
  /// none), whose neurons have the state neurons(:, j). Writes the state in the flow's coordinates, (rows(),
  /// columns).
  virtual void start(std::span<const compute::Index> ids, double t, ConstView neurons, View x) = 0;

  /// From here on there are only these of the present columns.
  virtual void keep(std::span<const compute::Index> columns) = 0;

  /// d ← d(x).
  virtual void drive(ConstView x, View d) = 0;

  /// The neurons' state of one column from its state x, and τ dv/dt of the neurons from x and d.
  virtual void neurons(compute::Index column, const Real* x, Real* state) const = 0;
  virtual void neuron_rate(compute::Index column, const Real* x, const Real* d, Real* rate) const = 0;
};

/// The neurons' own coordinates; for every network, on a GPU for those of which has_gpu_form() and
/// runs_on_gpu() hold.
template <class Real>
std::unique_ptr<Flow<Real>> neuron_flow(const Network<Real>& network, compute::Device device = compute::kCpu);

/// Whether trajectories can be integrated in overlap space: one layer with τ > 0, quadratic and without
/// noise, joined by one symmetric synapse with one instantaneous layer. If not, says why.
struct OverlapSuitability {
  bool possible;
  bool worth_it;       ///< M < 2N: fewer operations
  std::string reason;  ///< when it is not possible
};
template <class Real>
OverlapSuitability suits_overlap_space(const Network<Real>& network);

/// Overlap space, an exact reduction of τ v̇ = Ξ f(h) − v + I, h = Ξᵀv + I_h, for patterns Ξ (N, M):
///     v(t) = I + a (v₀ − I) + Ξ c,   τ ȧ = −a,  a(0) = 1,   τ ċ = f(h) − c,  c(0) = 0,
///     h = ΞᵀI + I_h + a Ξᵀ(v₀ − I) + G c,   G = ΞᵀΞ
/// The state is (c, a), M + 1 rows; one evaluation takes 2M² instead of 4NM operations a trajectory. `gram`
/// is G, which all threads share.
template <class Real>
std::unique_ptr<Flow<Real>> overlap_flow(const Network<Real>& network, Weights<Real> gram);

/// G = ΞᵀΞ of a network that suits.
template <class Real>
Weights<Real> gram_of(const Network<Real>& network);

}  // namespace ecphory::dynamics
