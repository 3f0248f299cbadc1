#pragma once
// One set of memories for every block (token) of a layer: the Hopfield module of the Energy Transformer.

#include "ecphory/dynamics/synapse.hpp"

namespace ecphory::dynamics {

/// E = −½ Σ_B Σ_μ relu(ξ_μ·g_B)² with g_B (D) the blocks of contiguous outputs of a layer; drives block B
/// with Σ_μ ξ_μ relu(ξ_μ·g_B) (Hoover et al. 2023, arXiv 2302.07253, with relu as the activation).
template <class Real>
class SharedMemories final : public Hypersynapse<Real> {
 public:
  using typename Hypersynapse<Real>::View;
  using typename Hypersynapse<Real>::ConstView;
  using typename Hypersynapse<Real>::Ids;

  /// Memories (D, M).
  SharedMemories(LayerId layer, Weights<Real> memories) : layer_(layer), memories_(std::move(memories)) {}

  std::string name() const override { return "shared-memories"; }
  std::vector<LayerId> layers() const override { return {layer_}; }
  void check(std::span<const compute::Index> neurons, std::span<const compute::Index> driven) const override;
  bool has_energy() const override { return true; }
  void add_energy(std::span<const ConstView> outputs, Ids ids, View e) const override;
  void add_drive(std::span<const ConstView> outputs, Ids ids, std::size_t place, View d) const override;
  void add_drive_tangent(std::span<const ConstView> outputs, std::span<const ConstView> tangents, Ids ids,
                         std::size_t place, View d) const override;

 private:
  compute::Array<Real> overlaps(const Real* blocks, compute::Index count) const;
  void add_recalled(const compute::Array<Real>& overlaps, Real* blocks) const;

  LayerId layer_;
  Weights<Real> memories_;
};

extern template class SharedMemories<float>;
extern template class SharedMemories<double>;

}  // namespace ecphory::dynamics
