#pragma once
// A bias of each row.

#include "ecphory/compute/view.hpp"

namespace ecphory::compute {

/// y(:, j) += bias for every column j. bias is (rows of y, 1), on one device with y.
template <class Real>
void add_bias(std::type_identity_t<View<const Real>> bias, View<Real> y);

/// dbias += Σ_j dy(:, j), in the order of j, on a GPU in groups of columns that depend on the shape alone:
/// the gradient of the bias; that of what it was added to is dy.
template <class Real>
void add_bias_backward(std::type_identity_t<View<const Real>> dy, View<Real> dbias);

extern template void add_bias<float>(View<const float>, View<float>);
extern template void add_bias<double>(View<const double>, View<double>);
extern template void add_bias_backward<float>(View<const float>, View<float>);
extern template void add_bias_backward<double>(View<const double>, View<double>);

}  // namespace ecphory::compute
