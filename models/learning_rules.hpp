#pragma once
// How pairwise weights store patterns of ±1.

#include <Eigen/Core>
#include <span>
#include <string_view>

namespace ecphory::models {

enum class LearningRule {
  hebb,            ///< W = Ξ Ξᵀ/N (Hopfield 1982, PNAS 79:2554)
  pseudo_inverse,  ///< W = Ξ (ΞᵀΞ)⁺ Ξᵀ, the projection on the patterns' span (Personnaz et al. 1985, J. Phys.
                   ///< Lett. 46:L359)
  storkey,  ///< W ← W + (ξξᵀ − ξ hᵀ − h ξᵀ)/N pattern by pattern, h_ij = Σ_{k≠i,j} W_ik ξ_k (Storkey 1997)
};
std::span<const std::string_view> names(LearningRule);

/// W (N, N) that stores the patterns (N, M), symmetric, with zeros on the diagonal unless `self_coupling`.
/// Hebb and Storkey take O(N²M) operations, the pseudo-inverse O(N²M + M³); linearly dependent patterns are
/// no error there.
Eigen::MatrixXd learned_weights(LearningRule rule, const Eigen::MatrixXd& patterns, bool self_coupling);

}  // namespace ecphory::models
