#pragma once
// Matrices of random numbers, made where they lie.

#include <cstdint>

#include "ecphory/base/random.hpp"
#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// Fills x, column by column, with elements first, first + 1, … of the stream's normals (base/random.hpp). A
/// GPU gives the CPU's bits. Elements beyond the stream's 2³⁴ words are a Bug.
template <class Real>
void normals(const base::RandomStream& stream, std::uint64_t first, View<Real> x);

/// And with its uniforms on (0, 1).
template <class Real>
void uniforms(const base::RandomStream& stream, std::uint64_t first, View<Real> x);

extern template void normals<float>(const base::RandomStream&, std::uint64_t, View<float>);
extern template void normals<double>(const base::RandomStream&, std::uint64_t, View<double>);
extern template void uniforms<float>(const base::RandomStream&, std::uint64_t, View<float>);
extern template void uniforms<double>(const base::RandomStream&, std::uint64_t, View<double>);

}  // namespace ecphory::compute
