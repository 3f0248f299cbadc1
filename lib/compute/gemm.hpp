#pragma once
// Matrix products.

#include "ecphory/compute/array.hpp"

namespace ecphory::compute {

enum class Transpose { no, yes };

/// c ← alpha · op(a) · op(b) + beta · c, with op(x) = x or xᵀ.
/// op(a) is (m, k), op(b) (k, n), c (m, n), all on one device; c may not overlap a or b. With beta = 0, c
/// need not be initialised. Shapes that do not fit are a Bug. On the CPU: Eigen, over OpenBLAS where the
/// build has it.
template <class Real>
void gemm(Transpose transpose_a, Transpose transpose_b, Real alpha, const Array<Real>& a,
          const Array<Real>& b, Real beta, Array<Real>& c);

extern template void gemm<float>(Transpose, Transpose, float, const Array<float>&, const Array<float>&, float,
                                 Array<float>&);
extern template void gemm<double>(Transpose, Transpose, double, const Array<double>&, const Array<double>&,
                                  double, Array<double>&);

}  // namespace ecphory::compute
