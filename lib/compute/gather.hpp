#pragma once
// Products with one-hot columns: a column of the matrix is picked, or added to.

#include <cstdint>

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// y(:, j) += w(:, columns[j]): the product of w with one-hot columns. `columns` is (1, columns of y), all
/// are on one device. A column that w does not have is a Bug; on a GPU, where nobody waits to look, it makes
/// y NaN.
template <class Real>
void gather_columns(std::type_identity_t<View<const Real>> w, View<const std::int32_t> columns, View<Real> y);

/// dw(:, columns[j]) += dy(:, j), in the order of j: its gradient. On a GPU, a column that dw does not have
/// is passed over.
template <class Real>
void scatter_columns(std::type_identity_t<View<const Real>> dy, View<const std::int32_t> columns,
                     View<Real> dw);

extern template void gather_columns<float>(View<const float>, View<const std::int32_t>, View<float>);
extern template void gather_columns<double>(View<const double>, View<const std::int32_t>, View<double>);
extern template void scatter_columns<float>(View<const float>, View<const std::int32_t>, View<float>);
extern template void scatter_columns<double>(View<const double>, View<const std::int32_t>, View<double>);

}  // namespace ecphory::compute
