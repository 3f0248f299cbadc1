#pragma once
// The maximum of a column.

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// max of x[0] … x[n−1]; n ≥ 1. A NaN after the first element is passed over.
template <class Real>
Real largest_of(const Real* x, Index n) {
  Real largest = x[0];
#pragma omp simd reduction(max : largest)
  for (Index i = 1; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

}  // namespace ecphory::compute
