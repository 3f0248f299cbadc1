#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/dynamics/cuda_operations.hpp"

namespace ecphory::dynamics::cuda {
namespace {

using compute::Index;
using compute::View;

template <class Real>
__global__ void exponential_euler_kernel(View<const ColumnStep> steps /* (1, columns) */,
                                         View<const double> tau /* (rows, 1) */,
                                         View<const Real> x /* (rows, columns) */,
                                         View<const Real> d /* (rows, columns) */,
                                         View<Real> x_new /* (rows, columns) */) {
  compute::cuda::for_my_elements(x.rows, x.columns, [&](Index i, Index j) {
    const double z = steps.column(j)->dt / tau.data[i];
    x_new.column(j)[i] =
        static_cast<Real>(exp(-z)) * x.column(j)[i] + static_cast<Real>(-expm1(-z)) * d.column(j)[i];
  });
}

}  // namespace

template <class Real>
void Operations<Real>::exponential_euler(Steps steps, Taus tau, In x, In d, Out x_new) {
  compute::cuda::elementwise(x.device, x.rows, x.columns, exponential_euler_kernel<Real>, steps, tau, x, d,
                             x_new);
}

template void Operations<float>::exponential_euler(Steps, Taus, In, In, Out);
template void Operations<double>::exponential_euler(Steps, Taus, In, In, Out);

}  // namespace ecphory::dynamics::cuda
