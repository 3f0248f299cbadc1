#include "ecphory/compute/batched_gemm.hpp"
#include "ecphory/compute/cuda_blas.cuh"
#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
constexpr auto kBatchedGemm = cublasSgemmStridedBatched_64;
template <>
constexpr auto kBatchedGemm<double> = cublasDgemmStridedBatched_64;

/// From a block to the next.
Index step(const auto& view, Index blocks) { return view.columns / blocks * view.stride; }

}  // namespace

template <class Real>
void Operations<Real>::batched_gemm(Index blocks, bool ta, bool tb, Real alpha, In a, In b, Real beta,
                                    Out c) {
  if (c.rows * c.columns == 0) return;
  const Index k = ta ? a.rows : a.columns / blocks;
  check(kBatchedGemm<Real>(blas_of(c.device), operation(ta), operation(tb), c.rows, c.columns / blocks, k,
                           &alpha, a.data, leading(a), step(a, blocks), b.data, leading(b), step(b, blocks),
                           &beta, c.data, leading(c), step(c, blocks), blocks),
        "a batch of matrix products");
}

template void Operations<float>::batched_gemm(Index, bool, bool, float, In, In, float, Out);
template void Operations<double>::batched_gemm(Index, bool, bool, double, In, In, double, Out);

}  // namespace ecphory::compute::cuda
