// Eigen would multiply tiny matrices itself, in an order of its own; all products shall go the same way.
#define EIGEN_GEMM_TO_COEFFBASED_THRESHOLD 0

#include "ecphory/compute/gemm.hpp"

namespace ecphory::compute {
namespace {

template <class Product, class Real>
void assign(const Product& product, Real beta, typename View<Real>::Map c) {
  if (beta == Real{0}) {
    c.noalias() = product;
  } else {
    if (beta != Real{1}) c *= beta;
    c.noalias() += product;
  }
}

}  // namespace

template <class Real>
void gemm(Transpose transpose_a, Transpose transpose_b, Real alpha, View<const Real> a, View<const Real> b,
          Real beta, View<Real> c) {
  const bool ta = transpose_a == Transpose::yes;
  const bool tb = transpose_b == Transpose::yes;
  base::ensure(a.device == c.device && b.device == c.device, "gemm takes arrays of one device");
  base::ensure((ta ? a.rows : a.columns) == (tb ? b.columns : b.rows) &&
                   (ta ? a.columns : a.rows) == c.rows && (tb ? b.rows : b.columns) == c.columns,
               "gemm takes op(a) (m, k), op(b) (k, n) and c (m, n)");
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

template void gemm<float>(Transpose, Transpose, float, View<const float>, View<const float>, float,
                          View<float>);
template void gemm<double>(Transpose, Transpose, double, View<const double>, View<const double>, double,
                           View<double>);

}  // namespace ecphory::compute
