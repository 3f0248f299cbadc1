#include "ecphory/compute/softmax.hpp"

#include <cmath>

#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/exponential.hpp"
#include "ecphory/compute/largest.hpp"

namespace ecphory::compute {
namespace {

constexpr Index kParallelSize = 1 << 15;  // elements below which a second thread does not pay

}  // namespace

template <class Real>
void softmax(Real beta, std::type_identity_t<View<const Real>> x, std::type_identity_t<View<Real>> p) {
  base::ensure(x.rows == p.rows && x.columns == p.columns && x.device == p.device,
               "softmax takes two matrices of one shape on one device");
  base::ensure(beta >= 0 && std::isfinite(beta), "softmax takes a finite beta >= 0");
  if (x.device != kCpu) return cuda::Operations<Real>::softmax(beta, x, p);
  const Index n = x.rows;
#pragma omp parallel for if (x.rows * x.columns > kParallelSize)
  for (Index j = 0; j < x.columns; ++j) {
    const Real* const in = x.column(j);
    Real* const out = p.column(j);
    const Real largest = largest_of(in, n);
    Real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index i = 0; i < n; ++i) {
      out[i] = exp_of_nonpositive(beta * (in[i] - largest));
      sum += out[i];
    }
    const Real scale = 1 / sum;
#pragma omp simd
    for (Index i = 0; i < n; ++i) out[i] *= scale;
  }
}

template <class Real>
void log_sum_exp(Real beta, std::type_identity_t<View<const Real>> x, std::type_identity_t<View<Real>> l) {
  base::ensure(l.rows == 1 && l.columns == x.columns && x.device == l.device,
               "log_sum_exp gives one number per column of x, on its device");
  base::ensure(beta > 0 && std::isfinite(beta), "log_sum_exp takes a finite beta > 0");
  if (x.device != kCpu) return cuda::Operations<Real>::log_sum_exp(beta, x, l);
  const Index n = x.rows;
#pragma omp parallel for if (x.rows * x.columns > kParallelSize)
  for (Index j = 0; j < x.columns; ++j) {
    const Real* const in = x.column(j);
    const Real largest = largest_of(in, n);
    Real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index i = 0; i < n; ++i) sum += exp_of_nonpositive(beta * (in[i] - largest));
    *l.column(j) = largest + std::log(sum) / beta;
  }
}

template void softmax<float>(float, View<const float>, View<float>);
template void softmax<double>(double, View<const double>, View<double>);
template void log_sum_exp<float>(float, View<const float>, View<float>);
template void log_sum_exp<double>(double, View<const double>, View<double>);

}  // namespace ecphory::compute
