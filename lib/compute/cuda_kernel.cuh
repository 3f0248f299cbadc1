#pragma once
// What kernels are built of. Two forms: one thread an element of a matrix (elementwise), one block a column
// (columnwise). Sums run in one order always: no atomics.

#include <algorithm>
#include <limits>

#include "ecphory/compute/cuda_check.cuh"
#include "ecphory/compute/cuda_context.cuh"
#include "ecphory/compute/view.hpp"

namespace ecphory::compute::cuda {

constexpr int kWarp = 32;
constexpr int kThreads = 256;  // of a block, at most

/// body(i, j) for the elements of a (rows, columns) matrix that are this thread's.
template <class Body>
__device__ void for_my_elements(Index rows, Index columns, const Body& body) {
  for (Index j = Index{blockIdx.y} * blockDim.y + threadIdx.y; j < columns;
       j += Index{gridDim.y} * blockDim.y)
    for (Index i = Index{blockIdx.x} * blockDim.x + threadIdx.x; i < rows; i += Index{gridDim.x} * blockDim.x)
      body(i, j);
}

/// The values of all threads of a block combined, for each of them: by a butterfly in every warp, then warp
/// by warp.
template <class Real, class Combine>
__device__ Real combined(Real value, const Combine& combine) {
  __shared__ Real of_warp[kThreads / kWarp];
  for (int distance = kWarp / 2; distance > 0; distance /= 2)
    value = combine(value, __shfl_xor_sync(0xffffffffU, value, distance));
  if (threadIdx.x % kWarp == 0) of_warp[threadIdx.x / kWarp] = value;
  __syncthreads();
  value = of_warp[0];
  for (int warp = 1; warp < static_cast<int>(blockDim.x) / kWarp; ++warp)
    value = combine(value, of_warp[warp]);
  __syncthreads();  // of_warp may be written again
  return value;
}

template <class Real>
__device__ Real block_sum(Real value) {
  return combined(value, [](Real a, Real b) { return a + b; });
}

/// max of x[0] … x[n−1], passing over NaN; −∞ when nothing is left.
template <class Real>
__device__ Real block_largest(const Real* x, Index n) {
  const auto larger = [](Real a, Real b) { return a > b ? a : b; };
  Real largest = -std::numeric_limits<Real>::infinity();
  for (Index i = threadIdx.x; i < n; i += blockDim.x) largest = larger(x[i], largest);
  return combined(largest, larger);
}

inline void start(Device device, dim3 blocks, dim3 threads, auto kernel, const auto&... arguments) {
  use(device.index);
  kernel<<<blocks, threads, 0, stream()>>>(arguments...);
  check(cudaGetLastError(), "starting a kernel");
}

inline Index ceil_of(Index n, Index divisor) { return (n + divisor - 1) / divisor; }

/// Starts a kernel that walks a (rows, columns) matrix by for_my_elements.
inline void elementwise(Device device, Index rows, Index columns, auto kernel, const auto&... arguments) {
  if (rows * columns == 0) return;
  unsigned x = 1;
  while (x < kThreads && x < rows) x *= 2;
  const unsigned y = kThreads / x;
  const dim3 blocks(static_cast<unsigned>(std::min<Index>(ceil_of(rows, x), 1 << 16)),
                    static_cast<unsigned>(std::min<Index>(ceil_of(columns, y), 1 << 15)));
  start(device, blocks, dim3(x, y), kernel, arguments...);
}

/// Threads of a block that walks a column of `rows` elements: whole warps.
inline unsigned threads_for(Index rows) {
  return static_cast<unsigned>(std::min<Index>(std::max<Index>(ceil_of(rows, kWarp), 1) * kWarp, kThreads));
}

/// Starts a kernel with one block a column.
inline void columnwise(Device device, Index rows, Index columns, auto kernel, const auto&... arguments) {
  if (columns == 0) return;
  base::ensure(columns <= std::numeric_limits<int>::max(), "a GPU's grid has a block for every column");
  start(device, dim3(static_cast<unsigned>(columns)), dim3(threads_for(rows)), kernel, arguments...);
}

/// parts(i, part) ← Σ of term(i, j) over the columns j of that part, in their order.
template <class Real, class Term>
__global__ void row_sums_kernel(Term term, Index columns, View<Real> parts /* (rows, parts) */) {
  const Index width = (columns + parts.columns - 1) / parts.columns;
  for_my_elements(parts.rows, parts.columns, [&](Index i, Index part) {
    Real sum = 0;
    for (Index j = part * width; j < min((part + 1) * width, columns); ++j) sum += term(i, j);
    parts.column(part)[i] = sum;
  });
}

/// sums(i) += Σ_part parts(i, part), in their order.
template <class Real>
__global__ void add_parts_kernel(View<const Real> parts /* (rows, parts) */,
                                 View<Real> sums /* (rows, 1) */) {
  for_my_elements(parts.rows, 1, [&](Index i, Index) {
    Real sum = 0;
    for (Index part = 0; part < parts.columns; ++part) sum += parts.column(part)[i];
    sums.data[i] += sum;
  });
}

/// The term that is the matrix itself.
template <class Real>
struct ElementOf {
  View<const Real> matrix;  // (rows, columns)
  __device__ Real operator()(Index i, Index j) const { return matrix.column(j)[i]; }
};

/// sums(i) += Σ_j term(i, j) over `columns` columns. How they are grouped depends on the shape alone.
template <class Real, class Term>
void add_row_sums(const Term& term, Index columns, View<Real> sums /* (rows, 1) */) {
  constexpr Index kColumnsOfPart = 32;  // at least
  constexpr Index kMostParts = 256;
  if (sums.rows == 0 || columns == 0) return;
  const Context& context = Context::of(sums.device);
  const Index room = static_cast<Index>(Context::kScratch / sizeof(Real)) / sums.rows;
  base::ensure(room > 0, "a GPU's row sums fit into its scratch memory");
  const Index n = std::min({ceil_of(columns, kColumnsOfPart), kMostParts, room});
  const View<Real> parts(static_cast<Real*>(context.scratch()), sums.rows, n, sums.rows, sums.device);
  elementwise(sums.device, sums.rows, n, row_sums_kernel<Real, Term>, term, columns, parts);
  elementwise(sums.device, sums.rows, 1, add_parts_kernel<Real>, View<const Real>(parts), sums);
}

}  // namespace ecphory::compute::cuda
