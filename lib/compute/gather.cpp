#include "ecphory/compute/gather.hpp"

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {
namespace {

template <class Real>
void require(View<const Real> matrix, View<const Real> columns, View<const std::int32_t> which) {
  base::ensure(matrix.device == columns.device && matrix.rows == columns.rows,
               "gather and scatter take columns of one length on one device");
  base::ensure(which.rows == 1 && which.columns == columns.columns && which.device == matrix.device,
               "gather and scatter take an index for each column, on the same device");
  if (which.device != kCpu) return;
  for (Index j = 0; j < which.columns; ++j)
    base::ensure(*which.column(j) >= 0 && *which.column(j) < matrix.columns, "the column is there");
}

template <class Real>
void add_to(Real* y, const Real* x, Index n) {
  for (Index i = 0; i < n; ++i) y[i] += x[i];
}

}  // namespace

template <class Real>
void gather_columns(std::type_identity_t<View<const Real>> w, View<const std::int32_t> columns,
                    View<Real> y) {
  require<Real>(w, y, columns);
  if (w.device != kCpu) return cuda::Operations<Real>::gather_columns(w, columns, y);
  for (Index j = 0; j < y.columns; ++j) add_to(y.column(j), w.column(*columns.column(j)), w.rows);
}

template <class Real>
void scatter_columns(std::type_identity_t<View<const Real>> dy, View<const std::int32_t> columns,
                     View<Real> dw) {
  require<Real>(dw, dy, columns);
  if (dw.device != kCpu) return cuda::Operations<Real>::scatter_columns(dy, columns, dw);
  for (Index j = 0; j < dy.columns; ++j) add_to(dw.column(*columns.column(j)), dy.column(j), dw.rows);
}

template void gather_columns<float>(View<const float>, View<const std::int32_t>, View<float>);
template void gather_columns<double>(View<const double>, View<const std::int32_t>, View<double>);
template void scatter_columns<float>(View<const float>, View<const std::int32_t>, View<float>);
template void scatter_columns<double>(View<const double>, View<const std::int32_t>, View<double>);

}  // namespace ecphory::compute
