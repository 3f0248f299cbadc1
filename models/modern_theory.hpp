#pragma once
// What Ramsauer et al. (2021), "Hopfield networks is all you need", arXiv 2008.02217, prove of the modern
// Hopfield network ξ ← Ξ softmax(β Ξᵀ ξ) with M patterns x_i in d dimensions.

#include <Eigen/Core>

namespace ecphory::models {

/// The base c of the exponential capacity M ≥ √p c^((d−1)/4) of Theorem 3: so many patterns drawn on the
/// sphere of radius K √(d−1) are stored with probability 1−p. c = b/W₀(exp(a + ln b)), a = 2/(d−1) (1 + ln(2
/// β K² p (d−1))), b = 2 K² β/5, with Lambert's W₀. Throws UserError unless β, K > 0, d ≥ 2 and 0 < p ≤ 1,
/// and where the theorem's condition c ≥ (2/√p)^(4/(d−1)) fails.
double storage_base(double beta, double k, int d, double p);

/// Δ_i = x_i·x_i − max_{j≠i} x_i·x_j of every pattern (Definition 2). patterns is (d, M), M ≥ 2.
Eigen::VectorXd separations(const Eigen::MatrixXd& patterns);

/// For pattern i, a state ξ and the fixed point x_i* near it: the bound of Theorem 4 on the distance of ξ's
/// update to x_i* is that number times ‖ξ − x_i*‖, 2 β M L² (M − 1) exp(−β (Δ_i − 2 max(‖ξ − x_i‖, ‖x_i* −
/// x_i‖) L)), L = max ‖x_j‖.
double one_update_factor(double beta, const Eigen::MatrixXd& patterns, Eigen::Index i,
                         const Eigen::VectorXd& state, const Eigen::VectorXd& fixed_point);

/// The bound of Theorem 5 on ‖x_i − x_i*‖: 2 (M − 1) exp(−β (Δ_i − 2 max(‖ξ − x_i‖, ‖x_i* − x_i‖) L)) L.
double retrieval_error_bound(double beta, const Eigen::MatrixXd& patterns, Eigen::Index i,
                             const Eigen::VectorXd& state, const Eigen::VectorXd& fixed_point);

/// β m_max², m_max the largest distance of a pattern from the patterns' mean: below 1 the update is a
/// contraction, so that there is one fixed point only (appendix A.1.5). The Jacobian's norm is at most this.
double contraction(double beta, const Eigen::MatrixXd& patterns);

}  // namespace ecphory::models
