#include "ecphory/compute/accuracy.hpp"

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {

template <class Real>
void is_correct(std::type_identity_t<View<const Real>> logits, View<const std::int32_t> labels,
                View<Real> correct) {
  base::ensure(labels.rows == 1 && labels.columns == logits.columns && correct.rows == 1 &&
                   correct.columns == logits.columns && labels.device == logits.device &&
                   correct.device == logits.device,
               "each column of logits has a label and an answer, on one device");
  if (logits.device != kCpu) return cuda::Operations<Real>::is_correct(logits, labels, correct);
  for (Index j = 0; j < logits.columns; ++j)
    *correct.column(j) = is_largest(logits.column(j), logits.rows, *labels.column(j)) ? Real{1} : Real{0};
}

template void is_correct<float>(View<const float>, View<const std::int32_t>, View<float>);
template void is_correct<double>(View<const double>, View<const std::int32_t>, View<double>);

}  // namespace ecphory::compute
