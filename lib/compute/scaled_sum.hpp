#pragma once
// Sums of several matrices.

#include <span>

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// One term of a sum.
template <class Real>
struct Scaled {
  Real factor = 0;
  View<const Real> matrix;
};

inline constexpr std::size_t kMostTerms = 8;

/// y ← Σ_k factor_k · matrix_k, added in their order, every product rounded. 1 to kMostTerms matrices of the
/// shape of y, on its device; y may be one of them.
template <class Real>
void scaled_sum(std::span<const Scaled<Real>> terms, View<Real> y);

extern template void scaled_sum<float>(std::span<const Scaled<float>>, View<float>);
extern template void scaled_sum<double>(std::span<const Scaled<double>>, View<double>);

}  // namespace ecphory::compute
