#pragma once
// Multiplicative gating: one layer scales, neuron by neuron, what another hands on.

#include "ecphory/dynamics/hypersynapse.hpp"

namespace ecphory::dynamics {

/// Drives `post` with gain · (g_a ∘ g_b); nothing comes back, so there is no energy. All three layers are of
/// one size.
template <class Real>
class Gate final : public Hypersynapse<Real> {
 public:
  using typename Hypersynapse<Real>::View;
  using typename Hypersynapse<Real>::ConstView;
  using typename Hypersynapse<Real>::Ids;

  Gate(LayerId a, LayerId b, LayerId post, Real gain = 1) : a_(a), b_(b), post_(post), gain_(gain) {}

  std::string name() const override { return "a gate"; }
  std::vector<LayerId> layers() const override { return {a_, b_}; }
  std::vector<LayerId> driven() const override { return {post_}; }
  void check(std::span<const compute::Index> neurons, std::span<const compute::Index> driven) const override;
  bool has_energy() const override { return false; }
  void add_energy(std::span<const ConstView> outputs, Ids ids, View e) const override;
  void add_drive(std::span<const ConstView> outputs, Ids ids, std::size_t place, View d) const override;
  void add_drive_tangent(std::span<const ConstView> outputs, std::span<const ConstView> tangents, Ids ids,
                         std::size_t place, View d) const override;

 private:
  LayerId a_;
  LayerId b_;
  LayerId post_;
  Real gain_;
};

extern template class Gate<float>;
extern template class Gate<double>;

}  // namespace ecphory::dynamics
