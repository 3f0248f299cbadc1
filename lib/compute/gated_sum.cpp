#include "ecphory/compute/gated_sum.hpp"

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {

template <class Real>
void gated_sum(std::type_identity_t<View<const Real>> keep, std::type_identity_t<View<const Real>> gate,
               std::type_identity_t<View<const Real>> y, View<Real> x) {
  base::ensure(keep.rows == x.rows && gate.rows == x.rows && keep.columns == 1 && gate.columns == 1,
               "gates have one number of each row");
  base::ensure(y.rows == x.rows && y.columns == x.columns, "what is taken has the shape of what is kept");
  base::ensure(keep.device == x.device && gate.device == x.device && y.device == x.device,
               "a gated sum takes arrays of one device");
  if (x.device != kCpu) return cuda::Operations<Real>::gated_sum(keep, gate, y, x);
  for (Index j = 0; j < x.columns; ++j) {
    Real* const to = x.column(j);
    const Real* const from = y.column(j);
    for (Index i = 0; i < x.rows; ++i) to[i] = keep.data[i] * to[i] + gate.data[i] * from[i];
  }
}

template void gated_sum<float>(View<const float>, View<const float>, View<const float>, View<float>);
template void gated_sum<double>(View<const double>, View<const double>, View<const double>, View<double>);

}  // namespace ecphory::compute
