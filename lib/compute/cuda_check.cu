#include <string>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/cuda_check.cuh"

namespace ecphory::compute::cuda {

void check(cudaError_t status, std::string_view doing) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // so that the next call does not report it again
  const std::string problem = std::string(doing) + " failed: " + cudaGetErrorString(status);
  switch (status) {
    case cudaErrorInvalidValue:
    case cudaErrorInvalidConfiguration:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorInvalidResourceHandle:
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorStreamCaptureUnsupported:
    case cudaErrorStreamCaptureInvalidated:
    case cudaErrorStreamCaptureImplicit:
    case cudaErrorStreamCaptureUnjoined:
      throw base::Bug(problem);
    default:
      break;
  }
  base::Complaint complaint;
  complaint.problem = problem;
  complaint.remedy = "check the GPU with nvidia-smi, or use the CPU";
  if (status == cudaErrorMemoryAllocation) complaint.remedy = "lower the sizes or the batch";
  if (status == cudaErrorNoKernelImageForDevice)
    complaint.remedy = "configure with CMAKE_CUDA_ARCHITECTURES set to this GPU's compute capability";
  throw base::UserError(complaint);
}

void check(cublasStatus_t status, std::string_view doing) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const std::string problem = std::string(doing) + " failed: " + cublasGetStatusString(status);
  base::Complaint complaint;
  complaint.problem = problem;
  switch (status) {
    case CUBLAS_STATUS_ALLOC_FAILED:
      complaint.remedy = "lower the sizes or the batch";
      throw base::UserError(complaint);
    case CUBLAS_STATUS_NOT_INITIALIZED:
    case CUBLAS_STATUS_ARCH_MISMATCH:
    case CUBLAS_STATUS_EXECUTION_FAILED:
      complaint.remedy = "check the GPU with nvidia-smi, or use the CPU";
      throw base::UserError(complaint);
    default:
      throw base::Bug(problem);
  }
}

void use(int device) { check(cudaSetDevice(device), "choosing GPU " + std::to_string(device)); }

}  // namespace ecphory::compute::cuda
