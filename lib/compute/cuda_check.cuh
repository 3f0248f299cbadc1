#pragma once
// Answers of CUDA and cuBLAS as errors of ours.

#include <string_view>

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

namespace ecphory::compute::cuda {

/// Throws unless `status` is success: UserError where the GPU, its memory or this build for it is at fault,
/// Bug where the call was. `doing` is the beginning of "… failed".
void check(cudaError_t status, std::string_view doing);
void check(cublasStatus_t status, std::string_view doing);

/// Makes GPU number `device` the calling thread's.
void use(int device);

}  // namespace ecphory::compute::cuda
