#include "ecphory/attention/induction.hpp"

#include "ecphory/attention/cuda_passes.hpp"

namespace ecphory::attention {

using compute::View;

template <class Real>
void induction(View<const std::int32_t> classes, std::type_identity_t<View<const Real>> attention,
               View<Real> strength) {
  base::ensure(classes.rows > 0 && attention.rows == 2 * classes.rows - 1 && strength.rows == 1 &&
                   attention.columns == classes.columns && strength.columns == classes.columns &&
                   classes.device == strength.device && attention.device == strength.device,
               "every item has a class, every token an attention, on one device");
  if (strength.device != compute::kCpu) return cuda::Passes<Real>::induction(classes, attention, strength);
  for (Index s = 0; s < strength.columns; ++s)
    *strength.column(s) = induction_of(classes.column(s), classes.rows - 1, attention.column(s));
}

template void induction<float>(View<const std::int32_t>, View<const float>, View<float>);
template void induction<double>(View<const std::int32_t>, View<const double>, View<double>);

}  // namespace ecphory::attention
