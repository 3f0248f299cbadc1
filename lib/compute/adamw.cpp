#include "ecphory/compute/adamw.hpp"

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {

template <class Real>
void adamw(std::type_identity_t<View<const AdamWStep<Real>>> steps,
           std::type_identity_t<View<const Real>> gradient, View<Real> m, std::type_identity_t<View<Real>> v,
           std::type_identity_t<View<Real>> w) {
  const auto fits = [&](Index rows, Index columns, Device device) {
    return rows == w.rows && columns == w.columns && device == w.device;
  };
  base::ensure(fits(gradient.rows, gradient.columns, gradient.device) && fits(m.rows, m.columns, m.device) &&
                   fits(v.rows, v.columns, v.device),
               "adamw takes a gradient and moments of the weights' shape on one device");
  base::ensure(steps.rows == 1 && steps.columns == w.columns && steps.device == w.device,
               "adamw takes a step for each column, on their device");
  if (w.device != kCpu) return cuda::Operations<Real>::adamw(steps, gradient, m, v, w);
  for (Index j = 0; j < w.columns; ++j) {
    const AdamWStep<Real> step = *steps.column(j);
    const Real* const g = gradient.column(j);
    for (Index i = 0; i < w.rows; ++i) step(g[i], m.column(j)[i], v.column(j)[i], w.column(j)[i]);
  }
}

template void adamw<float>(View<const AdamWStep<float>>, View<const float>, View<float>, View<float>,
                           View<float>);
template void adamw<double>(View<const AdamWStep<double>>, View<const double>, View<double>, View<double>,
                            View<double>);

}  // namespace ecphory::compute
