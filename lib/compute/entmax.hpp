#pragma once
// α-entmax over columns: the family of sparse maps from scores to probabilities that holds softmax (α = 1)
// and sparsemax (α = 2), with the convex function whose gradient it is.
//
//   entmax(z) = argmax over probabilities p of p·z + H(p),   H(p) = Σ (p − p^α) / (α (α − 1))   (Tsallis)
//   pᵢ = [(α − 1) zᵢ − τ]₊^(1/(α−1)),  τ such that Σ p = 1
//
// Sparsemax: Martins & Astudillo (2016, arXiv 1602.02068); every α: Peters, Niculae & Martins (2019, arXiv
// 1905.05702). A score more than 1/(α − 1) below the largest has probability 0 exactly.

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// p(:, j) ← entmax(beta · x(:, j)) for every column j; x and p have one shape and device, and may be the
/// same array. τ is exact to rounding for every α; 1.5 and 2 need no powers and are the fast ones, and above
/// 2 is the slow side. beta·x of any finite size is safe; a score of −∞ is a key that is not there; NaN
/// spoils its own column only. alpha ≥ 1 and beta ≥ 0, both finite, else Bug.
template <class Real>
void entmax(Real beta, double alpha, std::type_identity_t<View<const Real>> x,
            std::type_identity_t<View<Real>> p);

/// l(j) ← beta⁻¹ max over p of (p·z + H(p)) at z = beta · x(:, j), whose gradient in x is entmax; at α = 1
/// the log-sum-exp. l is (1, columns of x). beta > 0, else Bug.
template <class Real>
void entmax_value(Real beta, double alpha, std::type_identity_t<View<const Real>> x,
                  std::type_identity_t<View<Real>> l);

/// hu(:, j) ← beta (diag(s) − s sᵀ / Σ s) u(:, j), the Hessian of entmax_value times u, with sᵢ = pᵢ^(2−α)
/// where pᵢ > 0 and 0 elsewhere. x, u and hu have one shape; hu overlaps
/// neither x nor u.
template <class Real>
void entmax_hessian_times(Real beta, double alpha, std::type_identity_t<View<const Real>> x,
                          std::type_identity_t<View<const Real>> u, std::type_identity_t<View<Real>> hu);

extern template void entmax<float>(float, double, View<const float>, View<float>);
extern template void entmax<double>(double, double, View<const double>, View<double>);
extern template void entmax_value<float>(float, double, View<const float>, View<float>);
extern template void entmax_value<double>(double, double, View<const double>, View<double>);
extern template void entmax_hessian_times<float>(float, double, View<const float>, View<const float>,
                                                 View<float>);
extern template void entmax_hessian_times<double>(double, double, View<const double>, View<const double>,
                                                  View<double>);

}  // namespace ecphory::compute
