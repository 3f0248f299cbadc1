#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/dynamics/cuda_operations.hpp"
#include "ecphory/dynamics/integrators/exponential_runge_kutta.hpp"

namespace ecphory::dynamics::cuda {
namespace {

using compute::Index;
using compute::View;

template <class Real>
__global__ void exponential_runge_kutta_kernel(View<const ColumnStep> steps /* (1, columns) */,
                                               View<const double> tau /* (rows, 1) */,
                                               View<const Real> x /* (rows, columns) */,
                                               View<const Real> d /* (rows, columns) */,
                                               View<const Real> d_ahead /* (rows, columns) */,
                                               View<Real> x_new /* (rows, columns) */) {
  compute::cuda::for_my_elements(x.rows, x.columns, [&](Index i, Index j) {
    const double z = steps.column(j)->dt / tau.data[i];
    const auto slope = z > 0 ? static_cast<Real>(linear_part(z) / z) : Real(0);
    const Real drive = d.column(j)[i];
    x_new.column(j)[i] = static_cast<Real>(exp(-z)) * x.column(j)[i] + static_cast<Real>(-expm1(-z)) * drive +
                         slope * (d_ahead.column(j)[i] - drive);
  });
}

}  // namespace

template <class Real>
void Operations<Real>::exponential_runge_kutta(Steps steps, Taus tau, In x, In d, In d_ahead, Out x_new) {
  compute::cuda::elementwise(x.device, x.rows, x.columns, exponential_runge_kutta_kernel<Real>, steps, tau, x,
                             d, d_ahead, x_new);
}

template void Operations<float>::exponential_runge_kutta(Steps, Taus, In, In, In, Out);
template void Operations<double>::exponential_runge_kutta(Steps, Taus, In, In, In, Out);

}  // namespace ecphory::dynamics::cuda
