// Forward Euler: x ← x + dt (d − x)/τ. Order 1; dense output linear.

#include <boost/numeric/odeint/stepper/euler.hpp>

#include "ecphory/dynamics/integrators/integrator.hpp"
#include "ecphory/dynamics/integrators/odeint.hpp"

namespace ecphory::dynamics {
namespace {

template <class Real>
class Euler final : public Integrator<Real> {
 public:
  void attempt(Flow<Real>& flow, const Attempt<Real>& a) override {
    const odeint::ScaledRate<Real> rate(flow, a.dt, a.d_new);
    odeint::copy(a.x, x_);
    odeint::fit(rate_, a.x.rows, a.x.columns);
    odeint::fit(result_, a.x.rows, a.x.columns);
    rate.from_drive(a.x, a.d, rate_);
    stepper_.do_step(rate, x_, rate_, Real{0}, result_, Real{1});
    a.x_new.matrix() = result_.matrix();
    flow.drive(a.x_new, a.d_new);
    std::ranges::fill(a.error, 0.0);
  }

  void interpolate(const Attempt<Real>& a, compute::Index column, double theta, Real* x) const override {
    interpolate_straight(a, column, theta, x);
  }

 private:
  using State = odeint::State<Real>;
  boost::numeric::odeint::euler<State, Real, State, Real, odeint::Algebra, odeint::Operations,
                                odeint::Resizer>
      stepper_;
  State x_;
  State rate_;
  State result_;
};

}  // namespace

template <class Real>
std::unique_ptr<Integrator<Real>> make_euler(const Flow<Real>&) {
  return std::make_unique<Euler<Real>>();
}

template std::unique_ptr<Integrator<float>> make_euler<float>(const Flow<float>&);
template std::unique_ptr<Integrator<double>> make_euler<double>(const Flow<double>&);

}  // namespace ecphory::dynamics
