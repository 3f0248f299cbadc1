#pragma once
// Many small matrix products of one shape.

#include "ecphory/compute/gemm.hpp"

namespace ecphory::compute {

/// c_b ← alpha · op(a_b) · op(b_b) + beta · c_b for every block b = 0 … blocks−1. a, b and c are `blocks`
/// matrices of equal width side by side; else as gemm.
template <class Real>
void batched_gemm(Index blocks, Transpose transpose_a, Transpose transpose_b, Real alpha,
                  std::type_identity_t<View<const Real>> a, std::type_identity_t<View<const Real>> b,
                  Real beta, std::type_identity_t<View<Real>> c);

extern template void batched_gemm<float>(Index, Transpose, Transpose, float, View<const float>,
                                         View<const float>, float, View<float>);
extern template void batched_gemm<double>(Index, Transpose, Transpose, double, View<const double>,
                                          View<const double>, double, View<double>);

}  // namespace ecphory::compute
