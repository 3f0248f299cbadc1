#include "ecphory/compute/batched_gemm.hpp"

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {

template <class Real>
void batched_gemm(Index blocks, Transpose transpose_a, Transpose transpose_b, Real alpha,
                  std::type_identity_t<View<const Real>> a, std::type_identity_t<View<const Real>> b,
                  Real beta, std::type_identity_t<View<Real>> c) {
  base::ensure(blocks > 0 && a.columns % blocks == 0 && b.columns % blocks == 0 && c.columns % blocks == 0,
               "a batch of products takes blocks of equal width");
  const auto block = [blocks](auto view, Index i) {
    const Index width = view.columns / blocks;
    return view.middle_columns(i * width, width);
  };
  if (c.device != kCpu) {
    const bool ta = transpose_a == Transpose::yes;
    const bool tb = transpose_b == Transpose::yes;
    require_product<Real>(ta, tb, block(a, 0), block(b, 0), block(c, 0));
    return cuda::Operations<Real>::batched_gemm(blocks, ta, tb, alpha, a, b, beta, c);
  }
  for (Index i = 0; i < blocks; ++i)
    gemm<Real>(transpose_a, transpose_b, alpha, block(a, i), block(b, i), beta, block(c, i));
}

template void batched_gemm<float>(Index, Transpose, Transpose, float, View<const float>, View<const float>,
                                  float, View<float>);
template void batched_gemm<double>(Index, Transpose, Transpose, double, View<const double>,
                                   View<const double>, double, View<double>);

}  // namespace ecphory::compute
