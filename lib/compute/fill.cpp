#include "ecphory/compute/fill.hpp"

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {

template <class Real>
void fill(Real value, std::type_identity_t<View<Real>> y) {
  if (y.device != kCpu) return cuda::Operations<Real>::fill(value, y);
  y.matrix().setConstant(value);
}

template void fill<float>(float, View<float>);
template void fill<double>(double, View<double>);

}  // namespace ecphory::compute
