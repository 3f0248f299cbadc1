#pragma once
// A vector of a test as the one column of a block of weights.

#include "ecphory/compute/view.hpp"

namespace ecphory::tests {

inline compute::View<double> column(Eigen::VectorXd& x) { return {x.data(), x.size(), 1, x.size()}; }
inline compute::View<const double> column(const Eigen::VectorXd& x) {
  return {x.data(), x.size(), 1, x.size()};
}
template <class Real>
compute::View<Real> column(std::vector<Real>& x) {
  const auto n = static_cast<compute::Index>(x.size());
  return {x.data(), n, 1, n};
}
template <class Real>
compute::View<const Real> column(const std::vector<Real>& x) {
  const auto n = static_cast<compute::Index>(x.size());
  return {x.data(), n, 1, n};
}

}  // namespace ecphory::tests
