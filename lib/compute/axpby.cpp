#include "ecphory/compute/axpby.hpp"

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {

template <class Real>
void axpby(Real alpha, std::type_identity_t<View<const Real>> x, Real beta,
           std::type_identity_t<View<Real>> y) {
  base::ensure(x.rows == y.rows && x.columns == y.columns && x.device == y.device,
               "axpby takes matrices of one shape on one device");
  if (y.device != kCpu) return cuda::Operations<Real>::axpby(alpha, x, beta, y);
  for (Index j = 0; j < y.columns; ++j) {
    const Real* const in = x.column(j);
    Real* const out = y.column(j);
    if (beta == 0) {
      for (Index i = 0; i < y.rows; ++i) out[i] = alpha * in[i];
    } else {
      for (Index i = 0; i < y.rows; ++i) out[i] = alpha * in[i] + beta * out[i];
    }
  }
}

template void axpby<float>(float, View<const float>, float, View<float>);
template void axpby<double>(double, View<const double>, double, View<double>);

}  // namespace ecphory::compute
