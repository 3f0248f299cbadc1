#pragma once
// What every call of cuBLAS needs.

#include "ecphory/compute/blas.hpp"
#include "ecphory/compute/cuda_check.cuh"
#include "ecphory/compute/cuda_context.cuh"
#include "ecphory/compute/view.hpp"

namespace ecphory::compute::cuda {

/// The calling thread's handle on `device`, in the precision that the thread asks for.
inline cublasHandle_t blas_of(Device device) {
  const cublasHandle_t blas = Context::of(device).blas();
  check(cublasSetMathMode(blas, Tf32Products::wanted() ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH),
        "choosing cuBLAS's precision");
  return blas;
}

inline cublasOperation_t operation(bool transposed) { return transposed ? CUBLAS_OP_T : CUBLAS_OP_N; }

/// A view's stride as cuBLAS wants it: not below 1, also for a view without rows.
inline Index leading(const auto& view) { return view.stride > 0 ? view.stride : 1; }

}  // namespace ecphory::compute::cuda
