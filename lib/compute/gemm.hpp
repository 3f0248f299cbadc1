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
/// need not be initialised. Shapes that do not fit are a Bug. On a GPU: cuBLAS, in the
/// precision of the arrays unless Tf32Products (blas.hpp) lives. On the CPU: Eigen, over OpenBLAS where the
/// build has it. On one thread, and with n a multiple of kGemmColumns, a column's bits depend on that column
/// of op(b) and on its place in its group of kGemmColumns: not on the other columns, nor on how many groups
/// there are (seen for OpenBLAS 0.3.21's Cooper Lake, Zen, Haswell and Sandy Bridge kernels; the test asks it
/// of the kernels of its machine).
template <class Real>
void gemm(Transpose transpose_a, Transpose transpose_b, Real alpha, View<const Real> a, View<const Real> b,
          Real beta, View<Real> c);

/// Bug unless op(a) op(b) fits c, on one device.
template <class Real>
void require_product(bool ta, bool tb, View<const Real> a, View<const Real> b, View<const Real> c) {
  base::ensure(a.device == c.device && b.device == c.device, "gemm takes arrays of one device");
  base::ensure((ta ? a.rows : a.columns) == (tb ? b.columns : b.rows) &&
                   (ta ? a.columns : a.rows) == c.rows && (tb ? b.rows : b.columns) == c.columns,
               "gemm takes op(a) (m, k), op(b) (k, n) and c (m, n)");
}

extern template void gemm<float>(Transpose, Transpose, float, View<const float>, View<const float>, float,
                                 View<float>);
extern template void gemm<double>(Transpose, Transpose, double, View<const double>, View<const double>,
                                  double, View<double>);

}  // namespace ecphory::compute
