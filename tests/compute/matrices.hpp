#pragma once
// Matrices that operations are tested on.

#include <limits>

#include "ecphory/base/random.hpp"
#include "ecphory/compute/view.hpp"

namespace ecphory::tests {

using compute::Array;
using compute::Index;
using compute::View;

template <class Real>
constexpr double kEps = static_cast<double>(std::numeric_limits<Real>::epsilon());

/// Standard normals; matrices of two `step`s are independent.
template <class Real>
Array<Real> random(Index rows, Index columns, std::uint32_t step) {
  Array<Real> x({rows, columns});
  base::RandomStream({.seed = 1}, base::Purpose("matrices"), step).normals(0, x.elements());
  return x;
}

/// A matrix inside a larger one: its columns are not contiguous, and its surroundings must stay.
template <class Real>
class Embedded {
 public:
  explicit Embedded(const Array<Real>& values) : whole_({values.rows() + 5, values.columns() + 3}) {
    whole_.matrix().setConstant(kAround);
    view().matrix() = values.matrix();
  }
  /// The same on another device, where only view() and to() may be used of it.
  Embedded to(compute::Device device) const {
    Embedded copied;
    copied.whole_ = whole_.to(device);
    return copied;
  }
  View<Real> view() {
    return View<Real>(whole_).middle_rows(2, whole_.rows() - 5).middle_columns(1, whole_.columns() - 3);
  }
  auto matrix() { return view().matrix(); }
  bool surroundings_stayed() {
    const Eigen::MatrixX<Real> inside = matrix();
    matrix().setConstant(kAround);
    const bool stayed = (whole_.matrix().array() == kAround).all();
    matrix() = inside;
    return stayed;
  }

 private:
  Embedded() = default;

  static constexpr Real kAround = Real{123.5};
  Array<Real> whole_;
};

/// The same memory, said to be a GPU's: beside operands on the CPU a bug, and nothing may touch it.
template <class Real>
View<const Real> elsewhere(const Array<Real>& x) {
  return {x.data(), x.rows(), x.columns(), x.rows(), {compute::Device::Kind::cuda, 0}};
}
template <class Real>
View<Real> elsewhere(Array<Real>& x) {
  return {x.data(), x.rows(), x.columns(), x.rows(), {compute::Device::Kind::cuda, 0}};
}

/// Σ a ∘ b, in double.
template <class A, class B>
double inner(const A& a, const B& b) {
  return a.template cast<double>().cwiseProduct(b.template cast<double>()).sum();
}

}  // namespace ecphory::tests
