#include "ecphory/compute/bias.hpp"

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {
namespace {

template <class Real>
void require(View<const Real> bias, View<const Real> y) {
  base::ensure(bias.rows == y.rows && bias.columns == 1 && bias.device == y.device,
               "a bias has one number of each row, on one device");
}

}  // namespace

template <class Real>
void add_bias(std::type_identity_t<View<const Real>> bias, View<Real> y) {
  require<Real>(bias, y);
  if (y.device != kCpu) return cuda::Operations<Real>::add_bias(bias, y);
  for (Index j = 0; j < y.columns; ++j) {
    Real* const column = y.column(j);
    for (Index i = 0; i < y.rows; ++i) column[i] += bias.data[i];
  }
}

template <class Real>
void add_bias_backward(std::type_identity_t<View<const Real>> dy, View<Real> dbias) {
  require<Real>(dbias, dy);
  if (dy.device != kCpu) return cuda::Operations<Real>::add_bias_backward(dy, dbias);
  for (Index j = 0; j < dy.columns; ++j) {
    const Real* const column = dy.column(j);
    for (Index i = 0; i < dy.rows; ++i) dbias.data[i] += column[i];
  }
}

template void add_bias<float>(View<const float>, View<float>);
template void add_bias<double>(View<const double>, View<double>);
template void add_bias_backward<float>(View<const float>, View<float>);
template void add_bias_backward<double>(View<const double>, View<double>);

}  // namespace ecphory::compute
