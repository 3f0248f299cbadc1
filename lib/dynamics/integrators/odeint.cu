#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/dynamics/cuda_operations.hpp"

namespace ecphory::dynamics::cuda {
namespace {

using compute::Index;
using compute::View;

template <class Real>
__global__ void scaled_rates_kernel(View<const ColumnStep> steps /* (1, columns) */,
                                    View<const double> tau /* (rows, 1) */,
                                    View<const Real> x /* (rows, columns) */,
                                    View<const Real> d /* (rows, columns) */,
                                    View<Real> rates /* (rows, columns) */) {
  compute::cuda::for_my_elements(x.rows, x.columns, [&](Index i, Index j) {
    const auto z = static_cast<Real>(steps.column(j)->dt / tau.data[i]);
    rates.column(j)[i] = z * (d.column(j)[i] - x.column(j)[i]);
  });
}

}  // namespace

template <class Real>
void Operations<Real>::scaled_rates(Steps steps, Taus tau, In x, In d, Out rates) {
  compute::cuda::elementwise(x.device, x.rows, x.columns, scaled_rates_kernel<Real>, steps, tau, x, d, rates);
}

template void Operations<float>::scaled_rates(Steps, Taus, In, In, Out);
template void Operations<double>::scaled_rates(Steps, Taus, In, In, Out);

}  // namespace ecphory::dynamics::cuda
