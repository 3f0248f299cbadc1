#include "ecphory/compute/batched_gemm.hpp"
#include "ecphory/compute/cuda_blas.cuh"
#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
constexpr auto kBatchedGemm = cublasSgemmStridedBatched_64;
template <>
constexpr auto kBatchedGemm<double> = cublasDgemmStridedBatched_64;

}  // namespace

template <class Real>
void Operations<Real>::batched_gemm(bool ta, bool tb, Real alpha, Batch<const Real> a, Batch<const Real> b,
                                    Real beta, Batch<Real> c) {
  if (c.first.rows * c.first.columns == 0) return;
  const Index k = ta ? a.first.rows : a.first.columns;
  check(kBatchedGemm<Real>(blas_of(c.first.device), operation(ta), operation(tb), c.first.rows,
                           c.first.columns, k, &alpha, a.first.data, leading(a.first), a.step, b.first.data,
                           leading(b.first), b.step, &beta, c.first.data, leading(c.first), c.step, c.count),
        "a batch of matrix products");
}

template void Operations<float>::batched_gemm(bool, bool, float, Batch<const float>, Batch<const float>,
                                              float, Batch<float>);
template void Operations<double>::batched_gemm(bool, bool, double, Batch<const double>, Batch<const double>,
                                               double, Batch<double>);

}  // namespace ecphory::compute::cuda
