#pragma once
// What a thread has of its own on each GPU.

#include <cstddef>

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include "ecphory/compute/device.hpp"

namespace ecphory::compute::cuda {

/// The stream that all of a thread's work on a GPU goes to, in order: CUDA's stream of each thread, which can
/// be recorded into a graph.
inline cudaStream_t stream() { return cudaStreamPerThread; }

/// A cuBLAS handle on stream(), and scratch memory: what one operation leaves there, the next may overwrite.
class Context {
 public:
  static constexpr std::size_t kScratch = std::size_t{32} << 20U;  ///< bytes: what cuBLAS asks for on Hopper

  /// The calling thread's, made when first asked for; `device` becomes the thread's GPU.
  static Context& of(Device device);

  explicit Context(int device);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  cublasHandle_t blas() const { return blas_; }
  void* scratch() const { return scratch_; }

 private:
  void discard() noexcept;

  int device_;
  void* scratch_;
  cublasHandle_t blas_ = nullptr;
};

}  // namespace ecphory::compute::cuda
