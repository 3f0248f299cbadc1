#pragma once
// Boost.Odeint's steppers on batches in which every column has a time step of its own.
//
// Odeint knows one step for the whole state. So time is scaled: over s from 0 to 1, dx/ds = dt_j · dx/dt in
// column j, and a step of length 1 in s is a step of dt_j for every column. The methods' formulas do not
// change.

#include <span>
#include <vector>

#include <boost/numeric/odeint/algebra/default_operations.hpp>
#include <boost/numeric/odeint/util/copy.hpp>
#include <boost/numeric/odeint/util/is_resizeable.hpp>
#include <boost/numeric/odeint/util/resizer.hpp>
#include <boost/numeric/odeint/util/same_size.hpp>
#include <boost/numeric/odeint/util/state_wrapper.hpp>

#include "ecphory/dynamics/flow.hpp"

namespace ecphory::dynamics::odeint {

/// A state as odeint holds it: an array that a default-made one can be resized to.
template <class Real>
using State = compute::Array<Real>;

/// One column of a state, as the result of an operation whose other operands are whole states.
template <class Real>
struct Column {
  Real* data;
  compute::Index index;
  compute::Index rows;
};

/// Applies odeint's operations element by element. The result decides which elements: all, or one column.
struct Algebra {
  template <class Real, class Operation, class... Others>
  static void apply(const Operation& operation, State<Real>& result, Others&... others) {
    Real* const to = result.data();
    const compute::Index n = result.size();
    apply_pointers(n, operation, to, others.data()...);
  }
  template <class Real, class Operation, class... Others>
  static void apply(const Operation& operation, Column<Real>& result, Others&... others) {
    apply_pointers(result.rows, operation, result.data, (others.data() + result.index * result.rows)...);
  }
  template <class Operation, class... Pointers>
  static void apply_pointers(compute::Index n, const Operation& operation, Pointers... p) {
    for (compute::Index i = 0; i < n; ++i) operation(p[i]...);
  }

  template <class S1, class S2, class Op>
  static void for_each2(S1& s1, S2& s2, Op op) {
    apply(op, s1, s2);
  }
  template <class S1, class S2, class S3, class Op>
  static void for_each3(S1& s1, S2& s2, S3& s3, Op op) {
    apply(op, s1, s2, s3);
  }
  template <class S1, class S2, class S3, class S4, class Op>
  static void for_each4(S1& s1, S2& s2, S3& s3, S4& s4, Op op) {
    apply(op, s1, s2, s3, s4);
  }
  template <class S1, class S2, class S3, class S4, class S5, class Op>
  static void for_each5(S1& s1, S2& s2, S3& s3, S4& s4, S5& s5, Op op) {
    apply(op, s1, s2, s3, s4, s5);
  }
  template <class S1, class S2, class S3, class S4, class S5, class S6, class Op>
  static void for_each6(S1& s1, S2& s2, S3& s3, S4& s4, S5& s5, S6& s6, Op op) {
    apply(op, s1, s2, s3, s4, s5, s6);
  }
  template <class S1, class S2, class S3, class S4, class S5, class S6, class S7, class Op>
  static void for_each7(S1& s1, S2& s2, S3& s3, S4& s4, S5& s5, S6& s6, S7& s7, Op op) {
    apply(op, s1, s2, s3, s4, s5, s6, s7);
  }
  template <class S1, class S2, class S3, class S4, class S5, class S6, class S7, class S8, class Op>
  static void for_each8(S1& s1, S2& s2, S3& s3, S4& s4, S5& s5, S6& s6, S7& s7, S8& s8, Op op) {
    apply(op, s1, s2, s3, s4, s5, s6, s7, s8);
  }
};

using Operations = boost::numeric::odeint::default_operations;
using Resizer = boost::numeric::odeint::always_resizer;

/// The right-hand side in scaled time, dx/ds = dt_j (d − x)/τ. Keeps the drive of its last call.
template <class Real>
class ScaledRate {
 public:
  ScaledRate(Flow<Real>& flow, std::span<const double> dt, compute::View<Real> d)
      : flow_(flow), dt_(dt), d_(d) {}

  void operator()(const State<Real>& x, State<Real>& rate, Real) const {
    flow_.drive(x, d_);
    from_drive(x, d_, rate);
  }

  /// rate ← dt_j (d − x)/τ.
  void from_drive(compute::View<const Real> x, compute::View<const Real> d, State<Real>& rate) const {
    const std::vector<double>& tau = flow_.tau();
    for (compute::Index j = 0; j < x.columns; ++j) {
      const Real* const xj = x.column(j);
      const Real* const dj = d.column(j);
      Real* const rj = rate.data() + j * x.rows;
      const double dt = dt_[static_cast<std::size_t>(j)];
      for (compute::Index i = 0; i < x.rows; ++i) {
        rj[i] = static_cast<Real>(dt / tau[static_cast<std::size_t>(i)]) * (dj[i] - xj[i]);
      }
    }
  }

 private:
  Flow<Real>& flow_;
  std::span<const double> dt_;
  compute::View<Real> d_;
};

/// Makes `state` an array of that many rows and columns.
template <class Real>
void fit(State<Real>& state, compute::Index rows, compute::Index columns) {
  if (state.rows() != rows || state.columns() != columns) state = State<Real>({rows, columns});
}

template <class Real>
void copy(compute::View<const Real> from, State<Real>& to) {
  fit(to, from.rows, from.columns);
  to.matrix() = from.matrix();
}

}  // namespace ecphory::dynamics::odeint

namespace boost::numeric::odeint {

template <class Real>
struct is_resizeable<ecphory::compute::Array<Real>> {
  using type = boost::true_type;
  static constexpr bool value = true;
};
template <class Real>
struct same_size_impl<ecphory::compute::Array<Real>, ecphory::compute::Array<Real>> {
  static bool same_size(const ecphory::compute::Array<Real>& a, const ecphory::compute::Array<Real>& b) {
    return a.shape() == b.shape();
  }
};
template <class Real>
struct resize_impl<ecphory::compute::Array<Real>, ecphory::compute::Array<Real>> {
  static void resize(ecphory::compute::Array<Real>& a, const ecphory::compute::Array<Real>& b) {
    a = ecphory::compute::Array<Real>(b.shape());
  }
};

template <class Real>
struct copy_impl<ecphory::compute::Array<Real>, ecphory::compute::Array<Real>> {
  static void copy(const ecphory::compute::Array<Real>& from, ecphory::compute::Array<Real>& to) {
    to.matrix() = from.matrix();
  }
};

}  // namespace boost::numeric::odeint
