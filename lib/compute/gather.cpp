#include "ecphory/compute/gather.hpp"

namespace ecphory::compute {
namespace {

template <class Real>
void require(View<const Real> matrix, View<const Real> columns, std::span<const std::int32_t> which) {
  base::ensure(matrix.device == kCpu && columns.device == kCpu && matrix.rows == columns.rows &&
                   static_cast<Index>(which.size()) == columns.columns,
               "gather and scatter take columns of one length on the CPU, and an index for each");
  for (const std::int32_t column : which)
    base::ensure(column >= 0 && column < matrix.columns, "the column is there");
}

template <class Real>
void add_to(Real* y, const Real* x, Index n) {
  for (Index i = 0; i < n; ++i) y[i] += x[i];
}

}  // namespace

template <class Real>
void gather_columns(std::type_identity_t<View<const Real>> w, std::span<const std::int32_t> columns,
                    View<Real> y) {
  require<Real>(w, y, columns);
  for (Index j = 0; j < y.columns; ++j)
    add_to(y.column(j), w.column(columns[static_cast<std::size_t>(j)]), w.rows);
}

template <class Real>
void scatter_columns(std::type_identity_t<View<const Real>> dy, std::span<const std::int32_t> columns,
                     View<Real> dw) {
  require<Real>(dw, dy, columns);
  for (Index j = 0; j < dy.columns; ++j)
    add_to(dw.column(columns[static_cast<std::size_t>(j)]), dy.column(j), dw.rows);
}

template void gather_columns<float>(View<const float>, std::span<const std::int32_t>, View<float>);
template void gather_columns<double>(View<const double>, std::span<const std::int32_t>, View<double>);
template void scatter_columns<float>(View<const float>, std::span<const std::int32_t>, View<float>);
template void scatter_columns<double>(View<const double>, std::span<const std::int32_t>, View<double>);

}  // namespace ecphory::compute
