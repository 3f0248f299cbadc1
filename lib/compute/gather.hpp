#pragma once
// Products with one-hot columns: a column of the matrix is picked, or added to.

#include <cstdint>
#include <span>

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// y(:, j) += w(:, columns[j]): the product of w with one-hot columns. On the CPU. A column that w does not
/// have is a Bug.
template <class Real>
void gather_columns(std::type_identity_t<View<const Real>> w, std::span<const std::int32_t> columns,
                    View<Real> y);

/// dw(:, columns[j]) += dy(:, j), in the order of j: its gradient.
template <class Real>
void scatter_columns(std::type_identity_t<View<const Real>> dy, std::span<const std::int32_t> columns,
                     View<Real> dw);

extern template void gather_columns<float>(View<const float>, std::span<const std::int32_t>, View<float>);
extern template void gather_columns<double>(View<const double>, std::span<const std::int32_t>, View<double>);
extern template void scatter_columns<float>(View<const float>, std::span<const std::int32_t>, View<float>);
extern template void scatter_columns<double>(View<const double>, std::span<const std::int32_t>, View<double>);

}  // namespace ecphory::compute
