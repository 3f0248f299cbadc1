#pragma once
// How much an attention head does what an induction head does: copies the label that stood behind the same
// class before (Olsson et al. 2022, arXiv 2209.11895; Reddy 2024, arXiv 2312.03002).

#include <cstdint>

#include "ecphory/base/host_device.hpp"
#include "ecphory/compute/view.hpp"

namespace ecphory::attention {

using compute::Index;

/// strength(s) ← the last token's attention to the labels of all items of its own class. Sequences are item,
/// label, item, label, …, item: `classes` (N + 1, sequences) are those of the items, `attention` (2 N + 1,
/// sequences), `strength` (1, sequences), on one device.
template <class Real>
void induction(compute::View<const std::int32_t> classes,
               std::type_identity_t<compute::View<const Real>> attention, compute::View<Real> strength);

/// One sequence's: for the CPU's loop and the GPU's.
template <class Real>
ECPHORY_HOST_DEVICE Real induction_of(const std::int32_t* classes, Index pairs, const Real* attention) {
  Real sum = 0;
  for (Index i = 0; i < pairs; ++i) {
    if (classes[i] == classes[pairs]) sum += attention[2 * i + 1];
  }
  return sum;
}

extern template void induction<float>(compute::View<const std::int32_t>, compute::View<const float>,
                                      compute::View<float>);
extern template void induction<double>(compute::View<const std::int32_t>, compute::View<const double>,
                                       compute::View<double>);

}  // namespace ecphory::attention
