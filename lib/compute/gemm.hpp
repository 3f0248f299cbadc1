#pragma once
// Matrix products.

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

enum class Transpose { no, yes };

/// OpenBLAS's kernels take columns in groups of up to this many, and round a little differently by place in
/// the group.
inline constexpr Index kGemmColumns = 12;

/// c ← alpha · op(a) · op(b) + beta · c, with op(x) = x or xᵀ.
/// op(a) is (m, k), op(b) (k, n), c (m, n), all on one device; c may not overlap a or b. With beta = 0, c
/// need not be initialised. Shapes that do not fit are a Bug. On the CPU: Eigen, over OpenBLAS where the
/// build has it. On one thread, and with n a multiple of kGemmColumns, a column's bits depend on that column
/// of op(b) and on its place in its group of kGemmColumns: not on the other columns, nor on how many groups
/// there are (seen for OpenBLAS 0.3.21's Cooper Lake, Zen, Haswell and Sandy Bridge kernels; the test asks it
/// of the kernels of its machine).
template <class Real>
void gemm(Transpose transpose_a, Transpose transpose_b, Real alpha, View<const Real> a, View<const Real> b,
          Real beta, View<Real> c);

extern template void gemm<float>(Transpose, Transpose, float, View<const float>, View<const float>, float,
                                 View<float>);
extern template void gemm<double>(Transpose, Transpose, double, View<const double>, View<const double>,
                                  double, View<double>);

}  // namespace ecphory::compute
