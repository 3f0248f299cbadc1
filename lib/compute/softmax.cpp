#include "ecphory/compute/softmax.hpp"

#include <cmath>

#include "ecphory/compute/exponential.hpp"

namespace ecphory::compute {
namespace {

constexpr Index kParallelSize = 1 << 15;  // elements below which a second thread does not pay

template <class Real>
Real largest_of(const Real* x, Index n) {
  Real largest = x[0];
#pragma omp simd reduction(max : largest)
  for (Index i = 1; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

}  // namespace

template <class Real>
void softmax(Real beta, const Array<Real>& x, Array<Real>& p) {
  base::ensure(x.shape() == p.shape() && x.device() == p.device(),
               "softmax takes two arrays of one shape and device");
  base::ensure(beta >= 0 && std::isfinite(beta), "softmax takes a finite beta >= 0");
  const auto from = x.matrix();
  auto to = p.matrix();
  const Index n = from.rows();
#pragma omp parallel for if (x.size() > kParallelSize)
  for (Index j = 0; j < from.cols(); ++j) {
    const Real* const in = from.col(j).data();
    Real* const out = to.col(j).data();
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
void log_sum_exp(Real beta, const Array<Real>& x, Array<Real>& l) {
  base::ensure(l.size() == x.columns() && x.device() == l.device(),
               "log_sum_exp gives one number per column of x");
  base::ensure(beta > 0 && std::isfinite(beta), "log_sum_exp takes a finite beta > 0");
  const auto from = x.matrix();
  const auto to = l.elements();
  const Index n = from.rows();
#pragma omp parallel for if (x.size() > kParallelSize)
  for (Index j = 0; j < from.cols(); ++j) {
    const Real* const in = from.col(j).data();
    const Real largest = largest_of(in, n);
    Real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index i = 0; i < n; ++i) sum += exp_of_nonpositive(beta * (in[i] - largest));
    to[static_cast<std::size_t>(j)] = largest + std::log(sum) / beta;
  }
}

template void softmax<float>(float, const Array<float>&, Array<float>&);
template void softmax<double>(double, const Array<double>&, Array<double>&);
template void log_sum_exp<float>(float, const Array<float>&, Array<float>&);
template void log_sum_exp<double>(double, const Array<double>&, Array<double>&);

}  // namespace ecphory::compute
