#pragma once
// Finite checks for whole buffers.

#include <cstddef>
#include <optional>
#include <span>

namespace ecphory::base {

/// Index of the first NaN or infinity in `values`, or nothing when all are finite.
template <class Real>
std::optional<std::size_t> first_not_finite(std::span<const Real> values);

extern template std::optional<std::size_t> first_not_finite<float>(std::span<const float>);
extern template std::optional<std::size_t> first_not_finite<double>(std::span<const double>);

}  // namespace ecphory::base
