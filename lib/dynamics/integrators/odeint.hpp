#pragma once
// Boost.Odeint's steppers on batches in which every column has a time step of its own.
//
// Odeint knows one step for the whole state. So time is scaled: over s from 0 to 1, dx/ds = dt_j · dx/dt in
// column j, and a step of length 1 in s is a step of dt_j for every column. The methods' formulas do not
// change. The states lie on the device of the flow: odeint only asks for sums of them.

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include <boost/numeric/odeint/util/copy.hpp>
#include <boost/numeric/odeint/util/is_resizeable.hpp>
#include <boost/numeric/odeint/util/resizer.hpp>
#include <boost/numeric/odeint/util/same_size.hpp>
#include <boost/numeric/odeint/util/state_wrapper.hpp>

#include "ecphory/compute/axpby.hpp"
#include "ecphory/compute/scaled_sum.hpp"
#include "ecphory/dynamics/cuda_operations.hpp"

namespace ecphory::dynamics::odeint {

/// A state as odeint holds it: an array that a default-made one can be resized to.
template <class Real>
using State = compute::Array<Real>;

/// The terms of a sum that odeint would have made: which states, with which factors.
template <class Real>
struct Terms {
  std::array<compute::Scaled<Real>, compute::kMostTerms> all = {};
  std::size_t count = 0;

  std::span<compute::Scaled<Real>> terms() { return {all.data(), count}; }
};

/// The only operation of odeint's explicit steppers: s1 ← alpha[0] s2 + alpha[1] s3 + …
template <std::size_t kTerms, class Factor>
struct ScaledSum {
  std::array<Factor, kTerms> alpha;

  template <class... Factors>
  requires(sizeof...(Factors) == kTerms) explicit ScaledSum(Factors... factors)
      : alpha{static_cast<Factor>(factors)...} {}
};

/// Odeint's names for it.
// NOLINTBEGIN(readability-identifier-naming)
struct Operations {
  template <class F1, class F2 = F1>
  struct scale_sum2 : ScaledSum<2, F1> {
    using ScaledSum<2, F1>::ScaledSum;
  };
  template <class F1, class F2 = F1, class F3 = F2>
  struct scale_sum3 : ScaledSum<3, F1> {
    using ScaledSum<3, F1>::ScaledSum;
  };
  template <class F1, class F2 = F1, class F3 = F2, class F4 = F3>
  struct scale_sum4 : ScaledSum<4, F1> {
    using ScaledSum<4, F1>::ScaledSum;
  };
  template <class F1, class F2 = F1, class F3 = F2, class F4 = F3, class F5 = F4>
  struct scale_sum5 : ScaledSum<5, F1> {
    using ScaledSum<5, F1>::ScaledSum;
  };
  template <class F1, class F2 = F1, class F3 = F2, class F4 = F3, class F5 = F4, class F6 = F5>
  struct scale_sum6 : ScaledSum<6, F1> {
    using ScaledSum<6, F1>::ScaledSum;
  };
  template <class F1, class F2 = F1, class F3 = F2, class F4 = F3, class F5 = F4, class F6 = F5,
            class F7 = F6>
  struct scale_sum7 : ScaledSum<7, F1> {
    using ScaledSum<7, F1>::ScaledSum;
  };
};

// NOLINTEND(readability-identifier-naming)

/// Sums states on their device, or only notes the terms.
struct Algebra {
  template <class Real, class Operation, class... States>
  static void apply(const Operation& operation, State<Real>& result, const States&... states) {
    const auto all = terms<Real>(operation, states...);
    compute::scaled_sum<Real>(all, result);
  }
  template <class Real, class Operation, class... States>
  static void apply(const Operation& operation, Terms<Real>& result, const States&... states) {
    const auto all = terms<Real>(operation, states...);
    std::ranges::copy(all, result.all.begin());
    result.count = all.size();
  }
  template <class Real, class Operation, class... States>
  static std::array<compute::Scaled<Real>, sizeof...(States)> terms(const Operation& operation,
                                                                    const States&... states) {
    std::size_t k = 0;
    return {compute::Scaled<Real>{operation.alpha[k++], states}...};
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

using Resizer = boost::numeric::odeint::always_resizer;

/// The right-hand side in scaled time, dx/ds = dt_j (d − x)/τ. Keeps the drive of its last call.
template <class Real>
class ScaledRate {
 public:
  /// `tau` is that of the flow, on its device.
  ScaledRate(Flow<Real>& flow, const Attempt<Real>& attempt, compute::View<const double> tau)
      : flow_(flow), attempt_(attempt), tau_(tau) {}

  void operator()(const State<Real>& x, State<Real>& rate, Real) const {
    flow_.drive(x, attempt_.d_new);
    from_drive(x, attempt_.d_new, rate);
  }

  /// rate ← dt_j (d − x)/τ.
  void from_drive(compute::View<const Real> x, compute::View<const Real> d, State<Real>& rate) const {
    if (x.device != compute::kCpu)
      return cuda::Operations<Real>::scaled_rates(attempt_.on_device, tau_, x, d, rate);
    const double* const tau = tau_.data;
    for (compute::Index j = 0; j < x.columns; ++j) {
      const Real* const xj = x.column(j);
      const Real* const dj = d.column(j);
      Real* const rj = rate.data() + j * x.rows;
      const double dt = attempt_.steps[static_cast<std::size_t>(j)].dt;
      for (compute::Index i = 0; i < x.rows; ++i) rj[i] = static_cast<Real>(dt / tau[i]) * (dj[i] - xj[i]);
    }
  }

 private:
  Flow<Real>& flow_;
  const Attempt<Real>& attempt_;
  compute::View<const double> tau_;
};

/// Makes `state` an array of the shape and device of `like`.
template <class Real>
void fit(State<Real>& state, compute::View<const Real> like) {
  if (state.rows() != like.rows || state.columns() != like.columns || state.device() != like.device)
    state = State<Real>({like.rows, like.columns}, like.device);
}

template <class Real>
void copy(compute::View<const Real> from, compute::View<Real> to) {
  if (from.device == compute::kCpu) {
    to.matrix() = from.matrix();
  } else {
    compute::axpby<Real>(1, from, 0, to);
  }
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
    return a.shape() == b.shape() && a.device() == b.device();
  }
};
template <class Real>
struct resize_impl<ecphory::compute::Array<Real>, ecphory::compute::Array<Real>> {
  static void resize(ecphory::compute::Array<Real>& a, const ecphory::compute::Array<Real>& b) {
    a = ecphory::compute::Array<Real>(b.shape(), b.device());
  }
};

template <class Real>
struct copy_impl<ecphory::compute::Array<Real>, ecphory::compute::Array<Real>> {
  static void copy(const ecphory::compute::Array<Real>& from, ecphory::compute::Array<Real>& to) {
    ecphory::dynamics::odeint::copy<Real>(from, to);
  }
};

}  // namespace boost::numeric::odeint
