// The classical Runge–Kutta method. Order 4; dense output by the cubic Hermite polynomial, of order 4 too.

#include <boost/numeric/odeint/stepper/runge_kutta4.hpp>

#include "ecphory/dynamics/integrators/integrator.hpp"
#include "ecphory/dynamics/integrators/odeint.hpp"
#include "ecphory/dynamics/integrators/row_constants.hpp"

namespace ecphory::dynamics {
namespace {

template <class Real>
class RungeKutta4 final : public Integrator<Real> {
 public:
  explicit RungeKutta4(const Flow<Real>& flow)
      : tau_(flow.tau()), tau_on_device_(row_constants(flow.tau(), flow.device())) {}

  void attempt(Flow<Real>& flow, const Attempt<Real>& a) override {
    const odeint::ScaledRate<Real> rate(flow, a, tau_on_device_);
    for (State* const state : {&x_, &rate_, &result_}) odeint::fit(*state, a.x);
    odeint::copy<Real>(a.x, x_);
    rate.from_drive(a.x, a.d, rate_);
    stepper_.do_step(rate, x_, rate_, Real{0}, result_, Real{1});
    odeint::copy<Real>(result_, a.x_new);
    flow.drive(a.x_new, a.d_new);
  }

  std::vector<compute::View<const Real>> dense_output(const Attempt<Real>& a) const override {
    return {a.x, a.d, a.x_new, a.d_new};
  }

  void interpolate(std::span<const compute::View<const Real>> dense, compute::Index column,
                   const Moment& moment, Real* x) const override {
    const double dt = moment.dt;
    const double s = moment.theta;
    const auto of_x = static_cast<Real>((1 + 2 * s) * (1 - s) * (1 - s));
    const auto of_x_new = static_cast<Real>(s * s * (3 - 2 * s));
    const double of_rate = dt * s * (1 - s) * (1 - s);
    const double of_rate_new = dt * s * s * (s - 1);
    for (compute::Index i = 0; i < dense[0].rows; ++i) {
      const double tau = tau_[static_cast<std::size_t>(i)];
      const Real x0 = dense[0].column(column)[i];
      const Real x1 = dense[2].column(column)[i];
      x[i] = of_x * x0 + of_x_new * x1 +
             static_cast<Real>(of_rate / tau) * (dense[1].column(column)[i] - x0) +
             static_cast<Real>(of_rate_new / tau) * (dense[3].column(column)[i] - x1);
    }
  }

 private:
  using State = odeint::State<Real>;
  boost::numeric::odeint::runge_kutta4<State, Real, State, Real, odeint::Algebra, odeint::Operations,
                                       odeint::Resizer>
      stepper_;
  std::vector<double> tau_;
  compute::Array<double> tau_on_device_;
  State x_;
  State rate_;
  State result_;
};

}  // namespace

template <class Real>
std::unique_ptr<Integrator<Real>> make_runge_kutta_4(const Flow<Real>& flow) {
  return std::make_unique<RungeKutta4<Real>>(flow);
}

template std::unique_ptr<Integrator<float>> make_runge_kutta_4<float>(const Flow<float>&);
template std::unique_ptr<Integrator<double>> make_runge_kutta_4<double>(const Flow<double>&);

}  // namespace ecphory::dynamics
