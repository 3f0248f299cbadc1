#pragma once
// Attention between the blocks (tokens) of a layer, as an energy.

#include "ecphory/dynamics/synapse.hpp"

namespace ecphory::dynamics {

/// E = −β⁻¹ Σ_h Σ_C log Σ_{B≠C} exp(β K_hB·Q_hC),   K_hB = W^K_h g_B,   Q_hC = W^Q_h g_C
/// with g_B (D) the blocks of contiguous outputs of a layer (Hoover et al. 2023, arXiv 2302.07253). Its slope
/// has two parts, the second of which common attention lacks: with p_BC = softmax over B of β K_hB·Q_hC,
/// block A is driven with
///     Σ_h (W^Q_hᵀ Σ_B K_hB p_BA + W^K_hᵀ Σ_C Q_hC p_AC).
template <class Real>
class Attention final : public Hypersynapse<Real> {
 public:
  using typename Hypersynapse<Real>::View;
  using typename Hypersynapse<Real>::ConstView;
  using typename Hypersynapse<Real>::Ids;

  struct Options {
    compute::Index tokens = 1;
    compute::Index heads = 1;
    double beta = 1;
    bool self = false;  ///< whether a token's query also meets its own key (B = C)
  };

  /// W^K and W^Q (heads × Y, D), head below head. Throws UserError for options out of range, shapes that do
  /// not fit them or one token that would attend to none.
  Attention(LayerId layer, const Options& options, Weights<Real> keys, Weights<Real> queries);

  std::string name() const override { return "attention"; }
  std::vector<LayerId> layers() const override { return {layer_}; }
  void check(std::span<const compute::Index> neurons, std::span<const compute::Index> driven) const override;
  bool has_energy() const override { return true; }
  void add_energy(std::span<const ConstView> outputs, Ids ids, View e) const override;
  void add_drive(std::span<const ConstView> outputs, Ids ids, std::size_t place, View d) const override;
  void add_drive_tangent(std::span<const ConstView> outputs, std::span<const ConstView> tangents, Ids ids,
                         std::size_t place, View d) const override;

 private:
  using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;
  Matrix projected(const Weights<Real>& w, const Real* blocks) const;
  void add_projected_back(const Weights<Real>& w, const Matrix& x, Real* blocks) const;
  Matrix probabilities(const Matrix& k, const Matrix& q, compute::Index head, Real* log_sums) const;

  LayerId layer_;
  Options options_;
  Weights<Real> keys_;
  Weights<Real> queries_;
};

extern template class Attention<float>;
extern template class Attention<double>;

}  // namespace ecphory::dynamics
