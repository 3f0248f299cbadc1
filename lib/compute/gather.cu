#include "ecphory/compute/cuda_kernel.cuh"
#include "ecphory/compute/cuda_operations.hpp"
#include "ecphory/compute/gather.hpp"

namespace ecphory::compute::cuda {
namespace {

template <class Real>
__global__ void gather_columns_kernel(View<const Real> w /* (rows, m) */,
                                      View<const std::int32_t> columns /* (1, n) */,
                                      View<Real> y /* (rows, n) */) {
  for_my_elements(y.rows, y.columns, [&](Index i, Index j) {
    const std::int32_t from = *columns.column(j);
    const bool is_there = from >= 0 && from < w.columns;
    y.column(j)[i] += is_there ? w.column(from)[i] : std::numeric_limits<Real>::quiet_NaN();
  });
}

/// One block a column of dy. The block of the first column that goes to some column of dw adds all that go
/// there, in their order; the others do nothing.
template <class Real>
__global__ void scatter_columns_kernel(View<const Real> dy /* (rows, n) */,
                                       View<const std::int32_t> columns /* (1, n) */,
                                       View<Real> dw /* (rows, m) */) {
  const Index first = blockIdx.x;
  const std::int32_t to = *columns.column(first);
  bool is_there = to >= 0 && to < dw.columns;
  for (Index j = threadIdx.x; j < first; j += blockDim.x) is_there = is_there && *columns.column(j) != to;
  if (__syncthreads_and(is_there) == 0) return;
  for (Index j = first; j < dy.columns; ++j) {
    if (*columns.column(j) != to) continue;
    for (Index i = threadIdx.x; i < dy.rows; i += blockDim.x) dw.column(to)[i] += dy.column(j)[i];
  }
}

}  // namespace

template <class Real>
void Operations<Real>::gather_columns(In w, Indices columns, Out y) {
  elementwise(y.device, y.rows, y.columns, gather_columns_kernel<Real>, w, columns, y);
}

template <class Real>
void Operations<Real>::scatter_columns(In dy, Indices columns, Out dw) {
  columnwise(dy.device, dy.rows, dy.columns, scatter_columns_kernel<Real>, dy, columns, dw);
}

template void Operations<float>::gather_columns(In, Indices, Out);
template void Operations<double>::gather_columns(In, Indices, Out);
template void Operations<float>::scatter_columns(In, Indices, Out);
template void Operations<double>::scatter_columns(In, Indices, Out);

}  // namespace ecphory::compute::cuda
