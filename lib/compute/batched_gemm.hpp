#pragma once
// Many small matrix products of one shape.

#include "ecphory/compute/batch.hpp"
#include "ecphory/compute/gemm.hpp"

namespace ecphory::compute {

/// c_i ← alpha · op(a_i) · op(b_i) + beta · c_i for every matrix of batches of equal count; else as gemm.
template <class Real>
void batched_gemm(Transpose transpose_a, Transpose transpose_b, Real alpha,
                  std::type_identity_t<Batch<const Real>> a, std::type_identity_t<Batch<const Real>> b,
                  Real beta, std::type_identity_t<Batch<Real>> c);

extern template void batched_gemm<float>(Transpose, Transpose, float, Batch<const float>, Batch<const float>,
                                         float, Batch<float>);
extern template void batched_gemm<double>(Transpose, Transpose, double, Batch<const double>,
                                          Batch<const double>, double, Batch<double>);

}  // namespace ecphory::compute
