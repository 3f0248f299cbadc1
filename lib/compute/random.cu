#include "ecphory/base/philox.hpp"
#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/random.hpp"

namespace ecphory::compute::cuda {
namespace {

/// Threads make the two elements of a pair each by themselves: no thread writes another's column.
template <class Real>
__global__ void normals_kernel(base::RandomCounter counter, std::uint64_t first,
                               View<Real> x /* (rows, columns) */) {
  for_my_elements(x.rows, x.columns, [&](Index i, Index j) {
    x.column(j)[i] = base::normal_at<Real>(counter, first + static_cast<std::uint64_t>(j * x.rows + i));
  });
}

template <class Real>
__global__ void uniforms_kernel(base::RandomCounter counter, std::uint64_t first,
                                View<Real> x /* (rows, columns) */) {
  for_my_elements(x.rows, x.columns, [&](Index i, Index j) {
    x.column(j)[i] = base::uniform_at<Real>(counter, first + static_cast<std::uint64_t>(j * x.rows + i));
  });
}

}  // namespace

template <class Real>
void Operations<Real>::normals(const base::RandomStream& stream, std::uint64_t first, Out x) {
  elementwise(x.device, x.rows, x.columns, normals_kernel<Real>, stream.counter(), first, x);
}

template <class Real>
void Operations<Real>::uniforms(const base::RandomStream& stream, std::uint64_t first, Out x) {
  elementwise(x.device, x.rows, x.columns, uniforms_kernel<Real>, stream.counter(), first, x);
}

template void Operations<float>::normals(const base::RandomStream&, std::uint64_t, Out);
template void Operations<double>::normals(const base::RandomStream&, std::uint64_t, Out);
template void Operations<float>::uniforms(const base::RandomStream&, std::uint64_t, Out);
template void Operations<double>::uniforms(const base::RandomStream&, std::uint64_t, Out);

}  // namespace ecphory::compute::cuda
