#include "ecphory/compute/bias_relu.hpp"

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {
namespace {

template <class Real>
void require_one_shape(View<const Real> x, View<const Real> y) {
  base::ensure(x.rows == y.rows && x.columns == y.columns && x.device == y.device,
               "bias and relu take matrices of one shape on one device");
}

template <class Real>
void require_bias(View<const Real> bias, View<const Real> x) {
  base::ensure(bias.data == nullptr || (bias.rows == 1 && bias.columns > 0 && x.columns % bias.columns == 0 &&
                                        bias.device == x.device),
               "relu takes a bias for each of equally wide blocks, or none, on the device of its matrices");
}

/// Columns that share a bias.
template <class Real>
Index width(View<const Real> bias, View<const Real> x) {
  return bias.data == nullptr ? x.columns : x.columns / bias.columns;
}

}  // namespace

template <class Real>
void bias_relu(std::type_identity_t<View<const Real>> bias, std::type_identity_t<View<const Real>> x,
               View<Real> y) {
  require_one_shape<Real>(x, y);
  require_bias<Real>(bias, x);
  if (x.device != kCpu) return cuda::Operations<Real>::bias_relu(bias, x, y);
  for (Index j = 0; j < x.columns; ++j) {
    const Real b = bias.data == nullptr ? Real{0} : *bias.column(j / width<Real>(bias, x));
    const Real* const in = x.column(j);
    Real* const out = y.column(j);
    for (Index i = 0; i < x.rows; ++i) out[i] = in[i] + b <= 0 ? Real{0} : in[i] + b;
  }
}

template <class Real>
void bias_relu_backward(std::type_identity_t<View<const Real>> y, std::type_identity_t<View<const Real>> dy,
                        View<Real> dx, std::type_identity_t<View<Real>> dbias) {
  require_one_shape<Real>(y, dy);
  require_one_shape<Real>(y, dx);
  require_bias<Real>(dbias, y);
  if (y.device != kCpu) return cuda::Operations<Real>::bias_relu_backward(y, dy, dx, dbias);
  const Index block = width<Real>(dbias, y);
  for (Index first = 0; first < y.columns; first += block) {
    Real sum = 0;
    for (Index j = first; j < first + block; ++j) {
      const Real* const value = y.column(j);
      const Real* const in = dy.column(j);
      Real* const out = dx.column(j);
#pragma omp simd reduction(+ : sum)
      for (Index i = 0; i < y.rows; ++i) {
        out[i] = value[i] > 0 ? in[i] : Real{0};
        sum += out[i];
      }
    }
    if (dbias.data != nullptr) *dbias.column(first / block) += sum;
  }
}

template void bias_relu<float>(View<const float>, View<const float>, View<float>);
template void bias_relu<double>(View<const double>, View<const double>, View<double>);
template void bias_relu_backward<float>(View<const float>, View<const float>, View<float>, View<float>);
template void bias_relu_backward<double>(View<const double>, View<const double>, View<double>, View<double>);

}  // namespace ecphory::compute
