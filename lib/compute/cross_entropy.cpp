#include "ecphory/compute/cross_entropy.hpp"

#include "ecphory/compute/softmax.hpp"

namespace ecphory::compute {
namespace {

template <class Real>
void require_labels(View<const Real> logits, std::span<const std::int32_t> labels) {
  base::ensure(static_cast<Index>(labels.size()) == logits.columns, "every column of logits has a label");
  for (const std::int32_t label : labels)
    base::ensure(label >= 0 && label < logits.rows, "a label is one of the logits");
}

}  // namespace

template <class Real>
void cross_entropy(std::type_identity_t<View<const Real>> logits, std::span<const std::int32_t> labels,
                   View<Real> losses) {
  require_labels<Real>(logits, labels);
  log_sum_exp(Real{1}, logits, losses);
  for (Index j = 0; j < logits.columns; ++j)
    *losses.column(j) -= logits.column(j)[labels[static_cast<std::size_t>(j)]];
}

template <class Real>
void cross_entropy_backward(Real scale, std::type_identity_t<View<const Real>> logits,
                            std::span<const std::int32_t> labels, std::type_identity_t<View<Real>> d) {
  require_labels<Real>(logits, labels);
  softmax(Real{1}, logits, d);
  for (Index j = 0; j < logits.columns; ++j) {
    Real* const column = d.column(j);
    column[labels[static_cast<std::size_t>(j)]] -= 1;
    for (Index i = 0; i < d.rows; ++i) column[i] *= scale;
  }
}

template void cross_entropy<float>(View<const float>, std::span<const std::int32_t>, View<float>);
template void cross_entropy<double>(View<const double>, std::span<const std::int32_t>, View<double>);
template void cross_entropy_backward<float>(float, View<const float>, std::span<const std::int32_t>,
                                            View<float>);
template void cross_entropy_backward<double>(double, View<const double>, std::span<const std::int32_t>,
                                             View<double>);

}  // namespace ecphory::compute
