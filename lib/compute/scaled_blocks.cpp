#include "ecphory/compute/scaled_blocks.hpp"

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {
namespace {

template <class Real>
void require_blocks(View<const Real> factors, View<const Real> x, View<const Real> y) {
  base::ensure(x.rows == y.rows && x.columns == y.columns && x.device == y.device,
               "scaled blocks are of matrices of one shape on one device");
  base::ensure(factors.rows == 1 && factors.columns > 0 && y.columns % factors.columns == 0 &&
                   factors.device == y.device,
               "each of equally wide blocks of columns has a factor, on their device");
}

}  // namespace

template <class Real>
void add_scaled_blocks(std::type_identity_t<View<const Real>> factors,
                       std::type_identity_t<View<const Real>> x, View<Real> y) {
  require_blocks<Real>(factors, x, y);
  if (y.device != kCpu) return cuda::Operations<Real>::add_scaled_blocks(factors, x, y);
  const Index width = y.columns / factors.columns;
  for (Index j = 0; j < y.columns; ++j) {
    const Real factor = *factors.column(j / width);
    const Real* const in = x.column(j);
    Real* const out = y.column(j);
    for (Index i = 0; i < y.rows; ++i) out[i] += factor * in[i];
  }
}

template <class Real>
void add_scaled_blocks_backward(std::type_identity_t<View<const Real>> factors,
                                std::type_identity_t<View<const Real>> x,
                                std::type_identity_t<View<const Real>> dy, View<Real> dx,
                                std::type_identity_t<View<Real>> dfactors) {
  require_blocks<Real>(factors, x, dy);
  require_blocks<Real>(dfactors, dy, dx);
  base::ensure(factors.columns == dfactors.columns, "each factor has a gradient");
  if (dx.device != kCpu)
    return cuda::Operations<Real>::add_scaled_blocks_backward(factors, x, dy, dx, dfactors);
  const Index width = dx.columns / factors.columns;
  for (Index b = 0; b < factors.columns; ++b) {
    const Real factor = *factors.column(b);
    Real sum = 0;
    for (Index j = b * width; j < (b + 1) * width; ++j) {
      const Real* const value = x.column(j);
      const Real* const in = dy.column(j);
      Real* const out = dx.column(j);
#pragma omp simd reduction(+ : sum)
      for (Index i = 0; i < dx.rows; ++i) {
        sum += value[i] * in[i];
        out[i] = factor * in[i];
      }
    }
    *dfactors.column(b) += sum;
  }
}

template void add_scaled_blocks<float>(View<const float>, View<const float>, View<float>);
template void add_scaled_blocks<double>(View<const double>, View<const double>, View<double>);
template void add_scaled_blocks_backward<float>(View<const float>, View<const float>, View<const float>,
                                                View<float>, View<float>);
template void add_scaled_blocks_backward<double>(View<const double>, View<const double>, View<const double>,
                                                 View<double>, View<double>);

}  // namespace ecphory::compute
