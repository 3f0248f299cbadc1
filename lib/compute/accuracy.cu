#include "ecphory/compute/accuracy.hpp"
#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
__global__ void is_correct_kernel(View<const Real> logits /* (labels, n) */,
                                  View<const std::int32_t> labels /* (1, n) */,
                                  View<Real> correct /* (1, n) */) {
  for_my_elements(1, logits.columns, [&](Index, Index j) {
    *correct.column(j) = Real(is_largest(logits.column(j), logits.rows, *labels.column(j)));
  });
}

}  // namespace

template <class Real>
void Operations<Real>::is_correct(In logits, Indices labels, Out correct) {
  elementwise(logits.device, 1, logits.columns, is_correct_kernel<Real>, logits, labels, correct);
}

template void Operations<float>::is_correct(In, Indices, Out);
template void Operations<double>::is_correct(In, Indices, Out);

}  // namespace ecphory::compute::cuda
