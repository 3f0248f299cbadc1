#include "ecphory/compute/causal_softmax.hpp"

#include <algorithm>
#include <cmath>

#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/exponential.hpp"
#include "ecphory/compute/largest.hpp"

namespace ecphory::compute {
namespace {

template <class Real>
void require_blocks(View<const Real> x, View<const Real> y) {
  base::ensure(x.rows == y.rows && x.columns == y.columns && x.device == y.device,
               "a causal softmax takes matrices of one shape on one device");
  base::ensure(x.rows > 0 && x.columns % x.rows == 0, "a causal softmax takes square blocks side by side");
}

}  // namespace

template <class Real>
void causal_softmax(Real beta, std::type_identity_t<View<const Real>> s, std::type_identity_t<View<Real>> p) {
  require_blocks<Real>(s, p);
  base::ensure(beta >= 0 && std::isfinite(beta), "a causal softmax takes a finite beta >= 0");
  if (s.device != kCpu) return cuda::Operations<Real>::causal_softmax(beta, s, p);
  const Index tokens = s.rows;
  for (Index column = 0; column < s.columns; ++column) {
    const Index n = column % tokens + 1;
    const Real* const in = s.column(column);
    Real* const out = p.column(column);
    const Real largest = largest_of(in, n);
    Real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index j = 0; j < n; ++j) {
      out[j] = exp_of_nonpositive(beta * (in[j] - largest));
      sum += out[j];
    }
    const Real scale = 1 / sum;
    for (Index j = 0; j < n; ++j) out[j] *= scale;
    std::fill(out + n, out + tokens, Real{0});
  }
}

template <class Real>
void causal_softmax_backward(Real beta, std::type_identity_t<View<const Real>> p,
                             std::type_identity_t<View<const Real>> dp, std::type_identity_t<View<Real>> ds) {
  require_blocks<Real>(p, dp);
  require_blocks<Real>(p, ds);
  if (p.device != kCpu) return cuda::Operations<Real>::causal_softmax_backward(beta, p, dp, ds);
  const Index tokens = p.rows;
  for (Index column = 0; column < p.columns; ++column) {
    const Real* const probability = p.column(column);
    const Real* const in = dp.column(column);
    Real* const out = ds.column(column);
    Real mean = 0;
#pragma omp simd reduction(+ : mean)
    for (Index j = 0; j < tokens; ++j) mean += probability[j] * in[j];
    for (Index j = 0; j < tokens; ++j) out[j] = beta * probability[j] * (in[j] - mean);
  }
}

template void causal_softmax<float>(float, View<const float>, View<float>);
template void causal_softmax<double>(double, View<const double>, View<double>);
template void causal_softmax_backward<float>(float, View<const float>, View<const float>, View<float>);
template void causal_softmax_backward<double>(double, View<const double>, View<const double>, View<double>);

}  // namespace ecphory::compute
