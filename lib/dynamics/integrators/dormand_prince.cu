#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/dynamics/cuda_operations.hpp"

namespace ecphory::dynamics::cuda {
namespace {

using compute::Index;
using compute::View;

template <class Real>
__global__ void error_norms_kernel(Real rtol, Real atol, View<const Real> x /* (rows, columns) */,
                                   View<const Real> x_new /* (rows, columns) */,
                                   View<const Real> error /* (rows, columns) */,
                                   View<double> norms /* (1, columns) */) {
  const Index j = blockIdx.x;
  double sum = 0;
  for (Index i = threadIdx.x; i < x.rows; i += blockDim.x) {
    const Real p = fabs(x.column(j)[i]);
    const Real q = fabs(x_new.column(j)[i]);
    const Real ratio = error.column(j)[i] / (atol + rtol * (p > q ? p : q));
    sum += static_cast<double>(ratio) * static_cast<double>(ratio);
  }
  sum = compute::cuda::block_sum(sum);
  if (threadIdx.x == 0) *norms.column(j) = sqrt(sum / static_cast<double>(x.rows));
}

}  // namespace

template <class Real>
void Operations<Real>::error_norms(double rtol, double atol, In x, In x_new, In error, Numbers norms) {
  compute::cuda::columnwise(x.device, x.rows, x.columns, error_norms_kernel<Real>, static_cast<Real>(rtol),
                            static_cast<Real>(atol), x, x_new, error, norms);
}

template void Operations<float>::error_norms(double, double, In, In, In, Numbers);
template void Operations<double>::error_norms(double, double, In, In, In, Numbers);

}  // namespace ecphory::dynamics::cuda
