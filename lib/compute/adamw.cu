#include "ecphory/compute/adamw.hpp"
#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
__global__ void adamw_kernel(View<const AdamWStep<Real>> steps /* (1, columns) */,
                             View<const Real> gradient /* (rows, columns) */,
                             View<Real> m /* (rows, columns) */, View<Real> v /* (rows, columns) */,
                             View<Real> w /* (rows, columns) */) {
  for_my_elements(w.rows, w.columns, [&](Index i, Index j) {
    (*steps.column(j))(gradient.column(j)[i], m.column(j)[i], v.column(j)[i], w.column(j)[i]);
  });
}

}  // namespace

template <class Real>
void Operations<Real>::adamw(View<const AdamWStep<Real>> steps, In gradient, Out m, Out v, Out w) {
  elementwise(w.device, w.rows, w.columns, adamw_kernel<Real>, steps, gradient, m, v, w);
}

template void Operations<float>::adamw(View<const AdamWStep<float>>, In, Out, Out, Out);
template void Operations<double>::adamw(View<const AdamWStep<double>>, In, Out, Out, Out);

}  // namespace ecphory::compute::cuda
