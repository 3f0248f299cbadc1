#include "ecphory/compute/layer_norm.hpp"

#include <cmath>

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {
namespace {

template <class Real>
void require(View<const Real> x, Index rows, Index columns, Device device) {
  base::ensure(x.rows == rows && x.columns == columns && x.device == device,
               "a layer norm takes matrices of one shape, a gain and a shift of each row, and two statistics "
               "of each column, on one device");
}

}  // namespace

template <class Real>
void layer_norm(Real epsilon, std::type_identity_t<View<const Real>> x,
                std::type_identity_t<View<const Real>> gain, std::type_identity_t<View<const Real>> shift,
                std::type_identity_t<View<Real>> y, std::type_identity_t<View<Real>> statistics) {
  const Index n = x.rows;
  require<Real>(y, n, x.columns, x.device);
  require<Real>(gain, n, 1, x.device);
  require<Real>(shift, n, 1, x.device);
  require<Real>(statistics, 2, x.columns, x.device);
  base::ensure(epsilon >= 0, "a layer norm takes an epsilon >= 0");
  if (x.device != kCpu) return cuda::Operations<Real>::layer_norm(epsilon, x, gain, shift, y, statistics);
  for (Index j = 0; j < x.columns; ++j) {
    const Real* const in = x.column(j);
    Real* const out = y.column(j);
    Real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index i = 0; i < n; ++i) sum += in[i];
    const Real mean = sum / static_cast<Real>(n);
    // Of the deviations, not of the squares less the square of the mean: a large mean costs no digits.
    Real squares = 0;
#pragma omp simd reduction(+ : squares)
    for (Index i = 0; i < n; ++i) squares += (in[i] - mean) * (in[i] - mean);
    const Real inverse = 1 / std::sqrt(squares / static_cast<Real>(n) + epsilon);
    for (Index i = 0; i < n; ++i) out[i] = gain.data[i] * ((in[i] - mean) * inverse) + shift.data[i];
    statistics.column(j)[0] = mean;
    statistics.column(j)[1] = inverse;
  }
}

template <class Real>
void layer_norm_backward(View<const Real> x, std::type_identity_t<View<const Real>> gain,
                         std::type_identity_t<View<const Real>> statistics,
                         std::type_identity_t<View<const Real>> dy, std::type_identity_t<View<Real>> dx,
                         std::type_identity_t<View<Real>> dgain, std::type_identity_t<View<Real>> dshift) {
  const Index n = x.rows;
  require<Real>(dy, n, x.columns, x.device);
  require<Real>(dx, n, x.columns, x.device);
  require<Real>(gain, n, 1, x.device);
  require<Real>(dgain, n, 1, x.device);
  require<Real>(dshift, n, 1, x.device);
  require<Real>(statistics, 2, x.columns, x.device);
  if (x.device != kCpu)
    return cuda::Operations<Real>::layer_norm_backward(x, gain, statistics, dy, dx, dgain, dshift);
  for (Index j = 0; j < x.columns; ++j) {
    const Real mean = statistics.column(j)[0];
    const Real inverse = statistics.column(j)[1];
    const Real* const value = x.column(j);
    const Real* const in = dy.column(j);
    Real* const out = dx.column(j);
    Real sum = 0;      // of g
    Real overlap = 0;  // of g ∘ x̂
#pragma omp simd reduction(+ : sum, overlap)
    for (Index i = 0; i < n; ++i) {
      const Real normal = (value[i] - mean) * inverse;
      const Real g = gain.data[i] * in[i];
      sum += g;
      overlap += g * normal;
      dgain.data[i] += in[i] * normal;
      dshift.data[i] += in[i];
    }
    const Real mean_g = sum / static_cast<Real>(n);
    const Real mean_overlap = overlap / static_cast<Real>(n);
    for (Index i = 0; i < n; ++i) {
      const Real normal = (value[i] - mean) * inverse;
      out[i] = inverse * (gain.data[i] * in[i] - mean_g - normal * mean_overlap);
    }
  }
}

template void layer_norm<float>(float, View<const float>, View<const float>, View<const float>, View<float>,
                                View<float>);
template void layer_norm<double>(double, View<const double>, View<const double>, View<const double>,
                                 View<double>, View<double>);
template void layer_norm_backward<float>(View<const float>, View<const float>, View<const float>,
                                         View<const float>, View<float>, View<float>, View<float>);
template void layer_norm_backward<double>(View<const double>, View<const double>, View<const double>,
                                          View<const double>, View<double>, View<double>, View<double>);

}  // namespace ecphory::compute
