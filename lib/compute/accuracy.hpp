#pragma once
// Whether a classifier is right.

#include <cstdint>

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// correct(j) ← 1 where the largest of logits(:, j), the first of equal ones, is that of labels[j], else 0; a
/// column with NaN is never correct. `labels` and `correct` are (1, columns of logits), all on one device.
template <class Real>
void is_correct(std::type_identity_t<View<const Real>> logits, View<const std::int32_t> labels,
                View<Real> correct);

/// One column's: for the CPU's loop and the GPU's.
template <class Real>
ECPHORY_HOST_DEVICE bool is_largest(const Real* logits, Index n, Index label) {
  if (label < 0 || label >= n) return false;
  for (Index i = 0; i < n; ++i) {
    const bool is_beaten = i < label ? logits[i] >= logits[label] : logits[i] > logits[label];
    if (is_beaten || logits[i] != logits[i]) return false;
  }
  return true;
}

extern template void is_correct<float>(View<const float>, View<const std::int32_t>, View<float>);
extern template void is_correct<double>(View<const double>, View<const std::int32_t>, View<double>);

}  // namespace ecphory::compute
