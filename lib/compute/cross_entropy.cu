#include "ecphory/compute/cross_entropy.hpp"
#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute::cuda {
namespace {

/// losses holds the log-sum-exp of every column.
template <class Real>
__global__ void subtract_label_kernel(View<const Real> logits /* (labels, n) */,
                                      View<const std::int32_t> labels /* (1, n) */,
                                      View<Real> losses /* (1, n) */) {
  for_my_elements(1, logits.columns, [&](Index, Index j) {
    const std::int32_t label = *labels.column(j);
    const bool is_there = label >= 0 && label < logits.rows;
    *losses.column(j) -= is_there ? logits.column(j)[label] : std::numeric_limits<Real>::quiet_NaN();
  });
}

/// d holds the softmax of every column.
template <class Real>
__global__ void subtract_one_hot_kernel(Real scale, View<const std::int32_t> labels /* (1, n) */,
                                        View<Real> d /* (labels, n) */) {
  for_my_elements(d.rows, d.columns, [&](Index i, Index j) {
    const Real p = d.column(j)[i];
    d.column(j)[i] = (i == *labels.column(j) ? p - 1 : p) * scale;
  });
}

}  // namespace

template <class Real>
void Operations<Real>::cross_entropy(In logits, Indices labels, Out losses) {
  log_sum_exp(Real{1}, logits, losses);
  elementwise(logits.device, 1, logits.columns, subtract_label_kernel<Real>, logits, labels, losses);
}

template <class Real>
void Operations<Real>::cross_entropy_backward(Real scale, In logits, Indices labels, Out d) {
  softmax(Real{1}, logits, d);
  elementwise(d.device, d.rows, d.columns, subtract_one_hot_kernel<Real>, scale, labels, d);
}

template void Operations<float>::cross_entropy(In, Indices, Out);
template void Operations<double>::cross_entropy(In, Indices, Out);
template void Operations<float>::cross_entropy_backward(float, In, Indices, Out);
template void Operations<double>::cross_entropy_backward(double, In, Indices, Out);

}  // namespace ecphory::compute::cuda
