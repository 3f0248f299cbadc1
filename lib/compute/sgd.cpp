#include "ecphory/compute/sgd.hpp"

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {

template <class Real>
void sgd(Real rate, Real decay, std::type_identity_t<View<const Real>> gradient, View<Real> w) {
  base::ensure(gradient.rows == w.rows && gradient.columns == w.columns && gradient.device == w.device,
               "sgd takes a gradient of the weights' shape on one device");
  if (w.device != kCpu) return cuda::Operations<Real>::sgd(rate, decay, gradient, w);
  for (Index j = 0; j < w.columns; ++j) {
    const Real* const g = gradient.column(j);
    Real* const x = w.column(j);
    for (Index i = 0; i < w.rows; ++i) x[i] = (1 - decay) * x[i] - rate * g[i];
  }
}

template void sgd<float>(float, float, View<const float>, View<float>);
template void sgd<double>(double, double, View<const double>, View<double>);

}  // namespace ecphory::compute
