#include "ecphory/compute/cross_entropy.hpp"

#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/softmax.hpp"

namespace ecphory::compute {
namespace {

template <class Real>
void require_labels(View<const Real> logits, View<const std::int32_t> labels) {
  base::ensure(labels.rows == 1 && labels.columns == logits.columns && labels.device == logits.device,
               "every column of logits has a label, on their device");
  if (labels.device != kCpu) return;
  for (Index j = 0; j < labels.columns; ++j)
    base::ensure(*labels.column(j) >= 0 && *labels.column(j) < logits.rows, "a label is one of the logits");
}

}  // namespace

template <class Real>
void cross_entropy(std::type_identity_t<View<const Real>> logits, View<const std::int32_t> labels,
                   View<Real> losses) {
  require_labels<Real>(logits, labels);
  base::ensure(losses.rows == 1 && losses.columns == logits.columns && losses.device == logits.device,
               "every column of logits has a loss, on their device");
  if (logits.device != kCpu) return cuda::Operations<Real>::cross_entropy(logits, labels, losses);
  log_sum_exp(Real{1}, logits, losses);
  for (Index j = 0; j < logits.columns; ++j) *losses.column(j) -= logits.column(j)[*labels.column(j)];
}

template <class Real>
void cross_entropy_backward(Real scale, std::type_identity_t<View<const Real>> logits,
                            View<const std::int32_t> labels, std::type_identity_t<View<Real>> d) {
  require_labels<Real>(logits, labels);
  base::ensure(d.rows == logits.rows && d.columns == logits.columns && d.device == logits.device,
               "the gradient has the logits' shape, on their device");
  if (logits.device != kCpu) return cuda::Operations<Real>::cross_entropy_backward(scale, logits, labels, d);
  softmax(Real{1}, logits, d);
  for (Index j = 0; j < logits.columns; ++j) {
    Real* const column = d.column(j);
    column[*labels.column(j)] -= 1;
    for (Index i = 0; i < d.rows; ++i) column[i] *= scale;
  }
}

template void cross_entropy<float>(View<const float>, View<const std::int32_t>, View<float>);
template void cross_entropy<double>(View<const double>, View<const std::int32_t>, View<double>);
template void cross_entropy_backward<float>(float, View<const float>, View<const std::int32_t>, View<float>);
template void cross_entropy_backward<double>(double, View<const double>, View<const std::int32_t>,
                                             View<double>);

}  // namespace ecphory::compute
