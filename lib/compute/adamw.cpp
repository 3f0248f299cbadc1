#include "ecphory/compute/adamw.hpp"

#include <cmath>

namespace ecphory::compute {

template <class Real>
void adamw(const AdamW& settings, std::uint64_t step, std::type_identity_t<View<const Real>> gradient,
           View<Real> m, std::type_identity_t<View<Real>> v, std::type_identity_t<View<Real>> w) {
  const auto fits = [&](Index rows, Index columns, Device device) {
    return rows == w.rows && columns == w.columns && device == kCpu;
  };
  base::ensure(fits(gradient.rows, gradient.columns, gradient.device) && fits(m.rows, m.columns, m.device) &&
                   fits(v.rows, v.columns, v.device) && w.device == kCpu,
               "adamw takes a gradient and moments of the weights' shape on the CPU");
  base::ensure(step >= 1, "the first step of adamw is number 1");
  const auto beta1 = static_cast<Real>(settings.beta1);
  const auto beta2 = static_cast<Real>(settings.beta2);
  // Not 1 − Real(β): in single precision that would be off by 2e-5 of itself for β₂ = 0.999.
  const auto fresh1 = static_cast<Real>(1 - settings.beta1);
  const auto fresh2 = static_cast<Real>(1 - settings.beta2);
  const auto n = static_cast<double>(step);
  const auto first = static_cast<Real>(settings.rate / (1 - std::pow(settings.beta1, n)));
  const auto second = static_cast<Real>(1 / (1 - std::pow(settings.beta2, n)));
  const auto epsilon = static_cast<Real>(settings.epsilon);
  const auto kept = static_cast<Real>(1 - settings.rate * settings.decay);
  for (Index j = 0; j < w.columns; ++j) {
    const Real* const g = gradient.column(j);
    for (Index i = 0; i < w.rows; ++i) {
      Real& mi = m.column(j)[i];
      Real& vi = v.column(j)[i];
      Real& wi = w.column(j)[i];
      mi = beta1 * mi + fresh1 * g[i];
      vi = beta2 * vi + fresh2 * g[i] * g[i];
      wi = kept * wi - first * mi / (std::sqrt(second * vi) + epsilon);
    }
  }
}

template void adamw<float>(const AdamW&, std::uint64_t, View<const float>, View<float>, View<float>,
                           View<float>);
template void adamw<double>(const AdamW&, std::uint64_t, View<const double>, View<double>, View<double>,
                            View<double>);

}  // namespace ecphory::compute
