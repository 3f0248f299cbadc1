// Eigen would multiply tiny matrices itself, in an order of its own; all products shall go the same way.
#define EIGEN_GEMM_TO_COEFFBASED_THRESHOLD 0

#include "ecphory/compute/gemm.hpp"

#include "ecphory/compute/blas.hpp"
#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {
namespace {

/// Whether OpenBLAS 0.3.21 takes its AVX-512 kernels for small products, which round differently.
bool is_small(bool ta, bool tb, Index m, Index n, Index k) {
  if (m * n * k > 1'000'000) return false;
  return !ta || tb || (m * n <= 1200 && k >= 32);
}

template <class Product, class Real>
void assign(const Product& product, Real beta, typename View<Real>::Map c) {
  if (beta == Real{0}) {
    c.noalias() = product;
  } else {
    if (beta != Real{1}) c *= beta;
    c.noalias() += product;
  }
}

template <class Real>
void multiply(bool ta, bool tb, Real alpha, View<const Real> a, View<const Real> b, Real beta, View<Real> c) {
  const auto ma = a.matrix();
  const auto mb = b.matrix();
  if (ta && tb) {
    assign<decltype(alpha * ma.transpose() * mb.transpose()), Real>(alpha * ma.transpose() * mb.transpose(),
                                                                    beta, c.matrix());
  } else if (ta) {
    assign<decltype(alpha * ma.transpose() * mb), Real>(alpha * ma.transpose() * mb, beta, c.matrix());
  } else if (tb) {
    assign<decltype(alpha * ma * mb.transpose()), Real>(alpha * ma * mb.transpose(), beta, c.matrix());
  } else {
    assign<decltype(alpha * ma * mb), Real>(alpha * ma * mb, beta, c.matrix());
  }
}

}  // namespace

template <class Real>
void gemm(Transpose transpose_a, Transpose transpose_b, Real alpha, View<const Real> a, View<const Real> b,
          Real beta, View<Real> c) {
  const bool ta = transpose_a == Transpose::yes;
  const bool tb = transpose_b == Transpose::yes;
  require_product(ta, tb, a, b, View<const Real>(c));
  if (c.device != kCpu) return cuda::Operations<Real>::gemm(ta, tb, alpha, a, b, beta, c);
  // Whole groups of columns that are small one by one are multiplied one by one, so that the kernel does not
  // depend on how many there are.
  const Index k = ta ? a.rows : a.columns;
  if (!has_small_kernels() || c.columns % kGemmColumns != 0 || !is_small(ta, tb, c.rows, kGemmColumns, k)) {
    multiply(ta, tb, alpha, a, b, beta, c);
    return;
  }
  for (Index j = 0; j < c.columns; j += kGemmColumns) {
    multiply(ta, tb, alpha, a, tb ? b.middle_rows(j, kGemmColumns) : b.middle_columns(j, kGemmColumns), beta,
             c.middle_columns(j, kGemmColumns));
  }
}

template void gemm<float>(Transpose, Transpose, float, View<const float>, View<const float>, float,
                          View<float>);
template void gemm<double>(Transpose, Transpose, double, View<const double>, View<const double>, double,
                           View<double>);

}  // namespace ecphory::compute
