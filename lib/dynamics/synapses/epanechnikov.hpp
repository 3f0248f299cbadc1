#pragma once
// Memories with supports: the energy of an Epanechnikov kernel around each.

#include "ecphory/dynamics/synapse.hpp"

namespace ecphory::dynamics {

/// E_s = −β⁻¹ log(ε + Σ_μ relu(1 − β/2 ‖g − ξ_μ‖²)) − ½‖g‖², for a quadratic layer, whose own ½‖g‖² leaves
/// the log-sum-ReLU energy of Hoover et al. (2025, arXiv 2506.10801): τ dv/dt is minus the slope of that, so
///     drive = g + Σ_{μ∈B} (ξ_μ − g) / (ε + Σ_{μ∈B} (1 − β/2 ‖g − ξ_μ‖²)),   B = {μ: ‖g − ξ_μ‖² < 2/β},
/// and where no support reaches nothing moves. The slope jumps at the edges of supports, always towards the
/// memory that is entered, so no trajectory slides along an edge; derivatives are those on the side where g
/// is.
template <class Real>
class Epanechnikov final : public Hypersynapse<Real> {
 public:
  using typename Hypersynapse<Real>::View;
  using typename Hypersynapse<Real>::ConstView;
  using typename Hypersynapse<Real>::Ids;

  /// Memories (neurons, M). Throws UserError unless β and ε are finite and > 0.
  Epanechnikov(LayerId layer, Weights<Real> memories, double beta, double epsilon);

  std::string name() const override { return "Epanechnikov"; }
  std::vector<LayerId> layers() const override { return {layer_}; }
  void check(std::span<const compute::Index> neurons, std::span<const compute::Index> driven) const override;
  bool has_energy() const override { return true; }
  bool bounded_below() const override { return true; }  // E ≥ −β⁻¹ log(ε + M)
  void add_energy(std::span<const ConstView> outputs, Ids ids, View e) const override;
  void add_drive(std::span<const ConstView> outputs, Ids ids, std::size_t place, View d) const override;
  void add_drive_tangent(std::span<const ConstView> outputs, std::span<const ConstView> tangents, Ids ids,
                         std::size_t place, View d) const override;

 private:
  struct Supports;
  Supports supports_at(ConstView g) const;

  LayerId layer_;
  Weights<Real> memories_;
  std::vector<Real> squares_;  // (M) ‖ξ_μ‖²
  Real beta_;
  Real epsilon_;
};

extern template class Epanechnikov<float>;
extern template class Epanechnikov<double>;

}  // namespace ecphory::dynamics
