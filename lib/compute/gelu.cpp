#include "ecphory/compute/gelu.hpp"

#include <cmath>

#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/normal.hpp"

namespace ecphory::compute {
namespace {

constexpr Index kParallelSize = 1 << 15;  // elements below which a second thread does not pay

template <class Real>
void require_one_shape(View<const Real> x, View<const Real> y) {
  base::ensure(x.rows == y.rows && x.columns == y.columns && x.device == y.device,
               "gelu takes matrices of one shape on one device");
}

}  // namespace

template <class Real>
void gelu(View<const Real> x, std::type_identity_t<View<Real>> y) {
  require_one_shape<Real>(x, y);
  if (x.device != kCpu) return cuda::Operations<Real>::gelu(x, y);
#pragma omp parallel for if (x.rows * x.columns > kParallelSize)
  for (Index j = 0; j < x.columns; ++j) {
    const Real* const in = x.column(j);
    Real* const out = y.column(j);
#pragma omp simd
    for (Index i = 0; i < x.rows; ++i) out[i] = in[i] * normal_at(in[i]).distribution;
  }
}

template <class Real>
void gelu_backward(View<const Real> x, std::type_identity_t<View<const Real>> dy,
                   std::type_identity_t<View<Real>> dx) {
  require_one_shape<Real>(x, dy);
  require_one_shape<Real>(x, dx);
  if (x.device != kCpu) return cuda::Operations<Real>::gelu_backward(x, dy, dx);
#pragma omp parallel for if (x.rows * x.columns > kParallelSize)
  for (Index j = 0; j < x.columns; ++j) {
    const Real* const value = x.column(j);
    const Real* const in = dy.column(j);
    Real* const out = dx.column(j);
#pragma omp simd
    for (Index i = 0; i < x.rows; ++i) {
      const Normal<Real> normal = normal_at(value[i]);
      out[i] = in[i] * std::fma(value[i], normal.density, normal.distribution);
    }
  }
}

template void gelu<float>(View<const float>, View<float>);
template void gelu<double>(View<const double>, View<double>);
template void gelu_backward<float>(View<const float>, View<const float>, View<float>);
template void gelu_backward<double>(View<const double>, View<const double>, View<double>);

}  // namespace ecphory::compute
