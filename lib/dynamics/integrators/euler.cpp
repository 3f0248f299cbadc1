// Forward Euler: x ← x + dt (d − x)/τ. Order 1; dense output linear.

#include <boost/numeric/odeint/stepper/euler.hpp>

#include "ecphory/dynamics/integrators/integrator.hpp"
#include "ecphory/dynamics/integrators/odeint.hpp"
#include "ecphory/dynamics/integrators/row_constants.hpp"

namespace ecphory::dynamics {
namespace {

template <class Real>
class Euler final : public Integrator<Real> {
 public:
  explicit Euler(const Flow<Real>& flow) : tau_(row_constants(flow.tau(), flow.device())) {}

  void attempt(Flow<Real>& flow, const Attempt<Real>& a) override {
    const odeint::ScaledRate<Real> rate(flow, a, tau_);
    for (State* const state : {&x_, &rate_, &result_}) odeint::fit(*state, a.x);
    odeint::copy<Real>(a.x, x_);
    rate.from_drive(a.x, a.d, rate_);
    stepper_.do_step(rate, x_, rate_, Real{0}, result_, Real{1});
    odeint::copy<Real>(result_, a.x_new);
    flow.drive(a.x_new, a.d_new);
  }

  std::vector<compute::View<const Real>> dense_output(const Attempt<Real>& a) const override {
    return {a.x, a.x_new};
  }

  void interpolate(std::span<const compute::View<const Real>> dense, compute::Index column,
                   const Moment& moment, Real* x) const override {
    interpolate_straight(dense[0], dense[1], column, moment.theta, x);
  }

 private:
  using State = odeint::State<Real>;
  boost::numeric::odeint::euler<State, Real, State, Real, odeint::Algebra, odeint::Operations,
                                odeint::Resizer>
      stepper_;
  compute::Array<double> tau_;
  State x_;
  State rate_;
  State result_;
};

}  // namespace

template <class Real>
std::unique_ptr<Integrator<Real>> make_euler(const Flow<Real>& flow) {
  return std::make_unique<Euler<Real>>(flow);
}

template std::unique_ptr<Integrator<float>> make_euler<float>(const Flow<float>&);
template std::unique_ptr<Integrator<double>> make_euler<double>(const Flow<double>&);

}  // namespace ecphory::dynamics
