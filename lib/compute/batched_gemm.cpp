#include "ecphory/compute/batched_gemm.hpp"

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {

template <class Real>
void batched_gemm(Transpose transpose_a, Transpose transpose_b, Real alpha,
                  std::type_identity_t<Batch<const Real>> a, std::type_identity_t<Batch<const Real>> b,
                  Real beta, std::type_identity_t<Batch<Real>> c) {
  base::ensure(c.count > 0 && a.count == c.count && b.count == c.count,
               "a batch of products takes as many matrices of each kind");
  base::ensure(c.count == 1 || c.step != 0, "each product has a matrix of its own");
  if (c.first.device != kCpu) {
    const bool ta = transpose_a == Transpose::yes;
    const bool tb = transpose_b == Transpose::yes;
    require_product<Real>(ta, tb, a.first, b.first, c.first);
    return cuda::Operations<Real>::batched_gemm(ta, tb, alpha, a, b, beta, c);
  }
  for (Index i = 0; i < c.count; ++i) gemm<Real>(transpose_a, transpose_b, alpha, a[i], b[i], beta, c[i]);
}

template void batched_gemm<float>(Transpose, Transpose, float, Batch<const float>, Batch<const float>, float,
                                  Batch<float>);
template void batched_gemm<double>(Transpose, Transpose, double, Batch<const double>, Batch<const double>,
                                   double, Batch<double>);

}  // namespace ecphory::compute
