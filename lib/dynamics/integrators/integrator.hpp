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

/// The step of one column.
struct ColumnStep {
  double dt = 0;                  ///< ms; 0 where the column stands still
  compute::Index trajectory = 0;  ///< below 0 for none
  std::int64_t made = 0;          ///< steps that the column has made so far
};

/// One attempt at a step for a batch. Matrices are on the device of the flow, spans on the CPU.
template <class Real>
struct Attempt {
  compute::View<const Real> x;                ///< (rows, columns) states
  compute::View<const Real> d;                ///< (rows, columns) their drives
  std::span<ColumnStep> steps;                ///< in: the steps wanted; out: dt is what was made
  compute::View<const ColumnStep> on_device;  ///< (1, columns) the same steps, on the device
  std::span<const double> t;                  ///< ms
  std::span<const double> limit;              ///< no step goes past this time
  compute::View<Real> x_new;                  ///< out
  compute::View<Real> d_new;                  ///< out: drives of x_new
  compute::View<double> error;  ///< (1, columns) comes in as 0; out: in units of the tolerances, with error
                                ///< control; infinite for a failure
};

/// Dense output of methods of order 1: on the straight line between two states.
template <class Real>
void interpolate_straight(compute::View<const Real> from, compute::View<const Real> to, compute::Index column,
                          double theta, Real* x) {
  const Real* const a = from.column(column);
  const Real* const b = to.column(column);
  for (compute::Index i = 0; i < from.rows; ++i) x[i] = a[i] + static_cast<Real>(theta) * (b[i] - a[i]);
}

/// A time within a step.
struct Moment {
  double t = 0;      ///< ms, at the beginning of the step
  double dt = 0;     ///< ms, of the whole step
  double theta = 0;  ///< the fraction of it, 0 ≤ θ ≤ 1
};

/// A method at work on one batch. Holds what it needs between attempts.
template <class Real>
class Integrator {
 public:
  virtual ~Integrator() = default;

  /// Called when states have changed from outside: at the start, and behind a jump of the input.
  virtual void restart() {}

  virtual void attempt(Flow<Real>& flow, const Attempt<Real>& attempt) = 0;

  /// The matrices, (rows, columns), on which the dense output of the last attempt rests.
  virtual std::vector<compute::View<const Real>> dense_output(const Attempt<Real>& attempt) const = 0;

  /// The state at a moment of the last attempt, as accurate as the method's steps, of one column of `dense`:
  /// the matrices of dense_output(), or of some of their columns a copy. On the CPU.
  virtual void interpolate(std::span<const compute::View<const Real>> dense, compute::Index column,
                           const Moment& moment, Real* x) const = 0;
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
