#include "ecphory/compute/random.hpp"

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {
namespace {

template <class Real>
void require_within(std::uint64_t first, View<Real> x) {
  constexpr std::uint64_t kElements = (std::uint64_t{1} << 34U) / (sizeof(Real) / sizeof(std::uint32_t));
  const auto n = static_cast<std::uint64_t>(x.rows * x.columns);
  base::ensure(first <= kElements && n <= kElements - first, "a random stream holds at most 2^34 words");
}

/// Calls draw(element, column) with the first element of every column.
template <class Real, class Draw>
void column_by_column(std::uint64_t first, View<Real> x, const Draw& draw) {
  const auto rows = static_cast<std::size_t>(x.rows);
  for (Index j = 0; j < x.columns; ++j)
    draw(first + static_cast<std::uint64_t>(j) * rows, std::span(x.column(j), rows));
}

}  // namespace

template <class Real>
void normals(const base::RandomStream& stream, std::uint64_t first, View<Real> x) {
  require_within(first, x);
  if (x.device != kCpu) return cuda::Operations<Real>::normals(stream, first, x);
  column_by_column(first, x, [&](std::uint64_t element, auto column) { stream.normals(element, column); });
}

template <class Real>
void uniforms(const base::RandomStream& stream, std::uint64_t first, View<Real> x) {
  require_within(first, x);
  if (x.device != kCpu) return cuda::Operations<Real>::uniforms(stream, first, x);
  column_by_column(first, x, [&](std::uint64_t element, auto column) { stream.uniforms(element, column); });
}

template void normals<float>(const base::RandomStream&, std::uint64_t, View<float>);
template void normals<double>(const base::RandomStream&, std::uint64_t, View<double>);
template void uniforms<float>(const base::RandomStream&, std::uint64_t, View<float>);
template void uniforms<double>(const base::RandomStream&, std::uint64_t, View<double>);

}  // namespace ecphory::compute
