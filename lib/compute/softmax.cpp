#include "ecphory/compute/softmax.hpp"

#include <cmath>

namespace ecphory::compute {
namespace {

constexpr Index kParallelSize = 1 << 15;  // elements below which a second thread does not pay

}  // namespace

template <class Real>
void softmax(Real beta, const Array<Real>& x, Array<Real>& p) {
  base::ensure(x.shape() == p.shape() && x.device() == p.device(),
               "softmax takes two arrays of one shape and device");
  base::ensure(beta >= 0 && std::isfinite(beta), "softmax takes a finite beta >= 0");
  const auto from = x.matrix();
  auto to = p.matrix();
#pragma omp parallel for if (x.size() > kParallelSize)
  for (Index j = 0; j < from.cols(); ++j) {
    const Real largest = from.col(j).maxCoeff();
    to.col(j) = (beta * (from.col(j).array() - largest)).exp();
    to.col(j) *= 1 / to.col(j).sum();
  }
}

template <class Real>
void log_sum_exp(Real beta, const Array<Real>& x, Array<Real>& l) {
  base::ensure(l.size() == x.columns() && x.device() == l.device(),
               "log_sum_exp gives one number per column of x");
  base::ensure(beta > 0 && std::isfinite(beta), "log_sum_exp takes a finite beta > 0");
  const auto from = x.matrix();
  const auto to = l.elements();
#pragma omp parallel for if (x.size() > kParallelSize)
  for (Index j = 0; j < from.cols(); ++j) {
    const Real largest = from.col(j).maxCoeff();
    const Real sum = (beta * (from.col(j).array() - largest)).exp().sum();
    to[static_cast<std::size_t>(j)] = largest + std::log(sum) / beta;
  }
}

template void softmax<float>(float, const Array<float>&, Array<float>&);
template void softmax<double>(double, const Array<double>&, Array<double>&);
template void log_sum_exp<float>(float, const Array<float>&, Array<float>&);
template void log_sum_exp<double>(double, const Array<double>&, Array<double>&);

}  // namespace ecphory::compute
