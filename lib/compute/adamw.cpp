#include "ecphory/compute/adamw.hpp"

#include "ecphory/compute/adamw_step.hpp"
#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {

template <class Real>
void adamw(const AdamW& settings, std::uint64_t step, std::type_identity_t<View<const Real>> gradient,
           View<Real> m, std::type_identity_t<View<Real>> v, std::type_identity_t<View<Real>> w) {
  const auto fits = [&](Index rows, Index columns, Device device) {
    return rows == w.rows && columns == w.columns && device == w.device;
  };
  base::ensure(fits(gradient.rows, gradient.columns, gradient.device) && fits(m.rows, m.columns, m.device) &&
                   fits(v.rows, v.columns, v.device),
               "adamw takes a gradient and moments of the weights' shape on one device");
  base::ensure(step >= 1, "the first step of adamw is number 1");
  if (w.device != kCpu) return cuda::Operations<Real>::adamw(settings, step, gradient, m, v, w);
  const AdamWStep<Real> update(settings, step);
  for (Index j = 0; j < w.columns; ++j) {
    const Real* const g = gradient.column(j);
    for (Index i = 0; i < w.rows; ++i) update(g[i], m.column(j)[i], v.column(j)[i], w.column(j)[i]);
  }
}

template void adamw<float>(const AdamW&, std::uint64_t, View<const float>, View<float>, View<float>,
                           View<float>);
template void adamw<double>(const AdamW&, std::uint64_t, View<const double>, View<double>, View<double>,
                            View<double>);

}  // namespace ecphory::compute
