#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/scaled_sum.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
struct Terms {
  Scaled<Real> term[kMostTerms];  // matrices (rows, columns)
  int count = 0;
};

template <class Real>
__global__ void scaled_sum_kernel(Terms<Real> terms, View<Real> y /* (rows, columns) */) {
  for_my_elements(y.rows, y.columns, [&](Index i, Index j) {
    Real sum = terms.term[0].factor * terms.term[0].matrix.column(j)[i];
    for (int k = 1; k < terms.count; ++k) sum += terms.term[k].factor * terms.term[k].matrix.column(j)[i];
    y.column(j)[i] = sum;
  });
}

}  // namespace

template <class Real>
void Operations<Real>::scaled_sum(std::span<const Scaled<Real>> terms, Out y) {
  Terms<Real> all;
  for (const Scaled<Real>& term : terms) all.term[all.count++] = term;
  elementwise(y.device, y.rows, y.columns, scaled_sum_kernel<Real>, all, y);
}

template void Operations<float>::scaled_sum(std::span<const Scaled<float>>, Out);
template void Operations<double>::scaled_sum(std::span<const Scaled<double>>, Out);

}  // namespace ecphory::compute::cuda
