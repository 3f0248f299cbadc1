#include "ecphory/compute/sgd.hpp"

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {

template <class Real>
void sgd(std::type_identity_t<View<const SgdStep<Real>>> steps,
         std::type_identity_t<View<const Real>> gradient, View<Real> w) {
  base::ensure(gradient.rows == w.rows && gradient.columns == w.columns && gradient.device == w.device,
               "sgd takes a gradient of the weights' shape on one device");
  base::ensure(steps.rows == 1 && steps.columns == w.columns && steps.device == w.device,
               "sgd takes a step for each column, on their device");
  if (w.device != kCpu) return cuda::Operations<Real>::sgd(steps, gradient, w);
  for (Index j = 0; j < w.columns; ++j) {
    const SgdStep<Real> step = *steps.column(j);
    const Real* const g = gradient.column(j);
    Real* const x = w.column(j);
    for (Index i = 0; i < w.rows; ++i) step(g[i], x[i]);
  }
}

template void sgd<float>(View<const SgdStep<float>>, View<const float>, View<float>);
template void sgd<double>(View<const SgdStep<double>>, View<const double>, View<double>);

}  // namespace ecphory::compute
