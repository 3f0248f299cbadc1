#pragma once
// How trajectories are stepped through time. One method, one file.

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "ecphory/base/named_enum.hpp"
#include "ecphory/base/random.hpp"
#include "ecphory/dynamics/flow.hpp"

namespace ecphory::dynamics {

enum class Method {
  euler,                    ///< forward Euler, order 1
  runge_kutta_4,            ///< the classical Runge–Kutta method, order 4
  dormand_prince,           ///< Dormand & Prince 5(4), error control, dense output of order 4
  exponential_euler,        ///< the leak exact, the drive held constant: order 1; one attention layer a step
  exponential_runge_kutta,  ///< ETD2RK of Cox & Matthews (2002), order 2
  cvode,  ///< SUNDIALS CVODE: variable-order BDF, matrix-free Newton–Krylov, for stiff networks
  euler_maruyama_ito,  ///< strong order 1/2, weak order 1
  heun_stratonovich,   ///< stochastic Heun, strong order 1 for one noise source
  synchronous,         ///< discrete time: all neurons at once take the state to which they are driven
  asynchronous,        ///< discrete time: binary neurons flip one by one, by the change of energy
};
std::span<const std::string_view> names(Method);

/// What is fixed of a method.
struct MethodTraits {
  bool adaptive;    ///< chooses its own steps, within rtol and atol
  bool stochastic;  ///< takes noise
  bool one_by_one;  ///< attempts steps of batches with one trajectory only
  bool discrete;    ///< its steps are updates, however long they are said to last
};
MethodTraits traits_of(Method method);

/// Tolerances and keys that integrators are made with.
struct IntegratorOptions {
  Method method = Method::dormand_prince;
  double rtol = 1e-6;
  double atol = 1e-9;
  double temperature = 0;    ///< of binary neurons, for the discrete methods: Glauber dynamics; 0 is the rule
                             ///< without chance
  base::RandomKey key = {};  ///< of the noise
};

/// One attempt at a step for a batch. Columns with dt = 0 stand still.
template <class Real>
struct Attempt {
  compute::View<const Real> x;          ///< (rows, columns) states
  compute::View<const Real> d;          ///< (rows, columns) their drives
  std::span<const compute::Index> ids;  ///< trajectories of the columns
  std::span<const std::int64_t> steps;  ///< steps that each column has made so far
  std::span<const double> t;            ///< ms
  std::span<const double> limit;        ///< no step goes past this time
  std::span<double> dt;                 ///< in: the step wanted; out: the step made
  compute::View<Real> x_new;            ///< out
  compute::View<Real> d_new;            ///< out: drives of x_new
  std::span<double>
      error;  ///< out: in units of the tolerances; 0 without error control, infinite for a failure
};

/// Dense output of methods of order 1: on the straight line between the two states.
template <class Real>
void interpolate_straight(const Attempt<Real>& attempt, compute::Index column, double theta, Real* x) {
  const Real* const from = attempt.x.column(column);
  const Real* const to = attempt.x_new.column(column);
  for (compute::Index i = 0; i < attempt.x.rows; ++i) {
    x[i] = from[i] + static_cast<Real>(theta) * (to[i] - from[i]);
  }
}

/// A method at work on one batch. Holds what it needs between attempts.
template <class Real>
class Integrator {
 public:
  virtual ~Integrator() = default;

  /// Called when states have changed from outside: at the start, and behind a jump of the input.
  virtual void restart() {}

  virtual void attempt(Flow<Real>& flow, const Attempt<Real>& attempt) = 0;

  /// x(t + θ dt) of one column of the last attempt, 0 ≤ θ ≤ 1, as accurate as the method's steps.
  virtual void interpolate(const Attempt<Real>& attempt, compute::Index column, double theta,
                           Real* x) const = 0;
};

template <class Real>
std::unique_ptr<Integrator<Real>> make_integrator(const IntegratorOptions& options, const Flow<Real>& flow);

// The methods, one file each.
template <class Real>
std::unique_ptr<Integrator<Real>> make_euler(const Flow<Real>& flow);
template <class Real>
std::unique_ptr<Integrator<Real>> make_runge_kutta_4(const Flow<Real>& flow);
template <class Real>
std::unique_ptr<Integrator<Real>> make_dormand_prince(const Flow<Real>& flow, double rtol, double atol);
template <class Real>
std::unique_ptr<Integrator<Real>> make_exponential_euler(const Flow<Real>& flow);
template <class Real>
std::unique_ptr<Integrator<Real>> make_exponential_runge_kutta(const Flow<Real>& flow);
template <class Real>
std::unique_ptr<Integrator<Real>> make_cvode(const Flow<Real>& flow, double rtol, double atol);
template <class Real>
std::unique_ptr<Integrator<Real>> make_euler_maruyama(const Flow<Real>& flow, const base::RandomKey& key);
template <class Real>
std::unique_ptr<Integrator<Real>> make_heun(const Flow<Real>& flow, const base::RandomKey& key);
template <class Real>
std::unique_ptr<Integrator<Real>> make_synchronous(const Flow<Real>& flow, double temperature,
                                                   const base::RandomKey& key);
template <class Real>
std::unique_ptr<Integrator<Real>> make_asynchronous(const Flow<Real>& flow, double temperature,
                                                    const base::RandomKey& key);

}  // namespace ecphory::dynamics
