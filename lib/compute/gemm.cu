#include "ecphory/compute/cuda_blas.cuh"
#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/gemm.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
constexpr auto kGemm = cublasSgemm_64;
template <>
constexpr auto kGemm<double> = cublasDgemm_64;

}  // namespace

template <class Real>
void Operations<Real>::gemm(bool ta, bool tb, Real alpha, In a, In b, Real beta, Out c) {
  if (c.rows * c.columns == 0) return;
  check(
      kGemm<Real>(blas_of(c.device), operation(ta), operation(tb), c.rows, c.columns, ta ? a.rows : a.columns,
                  &alpha, a.data, leading(a), b.data, leading(b), &beta, c.data, leading(c)),
      "a matrix product");
}

template void Operations<float>::gemm(bool, bool, float, In, In, float, Out);
template void Operations<double>::gemm(bool, bool, double, In, In, double, Out);

}  // namespace ecphory::compute::cuda
