#pragma once
// The BLAS behind gemm.

#include <string>

namespace ecphory::compute {

/// Name and configuration of the BLAS in use; "Eigen" for a build without one.
std::string blas_name();

/// Whether this BLAS has other kernels for small products, as OpenBLAS has for AVX-512 since 0.3.17.
bool has_small_kernels();

/// While it lives, every BLAS call runs in its caller's thread: for work that is parallel one level up, and
/// for results whose bits do not depend on the number of threads.
class SingleThreadedBlas {
 public:
  SingleThreadedBlas();
  ~SingleThreadedBlas();
  SingleThreadedBlas(const SingleThreadedBlas&) = delete;
  SingleThreadedBlas& operator=(const SingleThreadedBlas&) = delete;

 private:
  int threads_before_;
};

/// While it lives, float products that its thread starts on a GPU may round their factors to the 10 bits of
/// TF32, which is several times as fast; sums stay float. Without it they are multiplied as they are. A Graph
/// keeps what it was recorded with.
class Tf32Products {
 public:
  Tf32Products();
  ~Tf32Products();
  Tf32Products(const Tf32Products&) = delete;
  Tf32Products& operator=(const Tf32Products&) = delete;

  /// Whether the calling thread has one.
  static bool wanted();
};

}  // namespace ecphory::compute
