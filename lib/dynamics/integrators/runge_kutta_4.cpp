// The classical Runge–Kutta method. Order 4; dense output by the cubic Hermite polynomial, of order 4 too.

#include <boost/numeric/odeint/stepper/runge_kutta4.hpp>

#include "ecphory/dynamics/integrators/integrator.hpp"
#include "ecphory/dynamics/integrators/odeint.hpp"

namespace ecphory::dynamics {
namespace {

template <class Real>
class RungeKutta4 final : public Integrator<Real> {
 public:
  explicit RungeKutta4(std::vector<double> tau) : tau_(std::move(tau)) {}

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
    const double dt = a.dt[static_cast<std::size_t>(column)];
    const double s = theta;
    const auto of_x = static_cast<Real>((1 + 2 * s) * (1 - s) * (1 - s));
    const auto of_x_new = static_cast<Real>(s * s * (3 - 2 * s));
    const double of_rate = dt * s * (1 - s) * (1 - s);
    const double of_rate_new = dt * s * s * (s - 1);
    for (compute::Index i = 0; i < a.x.rows; ++i) {
      const double tau = tau_[static_cast<std::size_t>(i)];
      const Real x0 = a.x.column(column)[i];
      const Real x1 = a.x_new.column(column)[i];
      x[i] = of_x * x0 + of_x_new * x1 + static_cast<Real>(of_rate / tau) * (a.d.column(column)[i] - x0) +
             static_cast<Real>(of_rate_new / tau) * (a.d_new.column(column)[i] - x1);
    }
  }

 private:
  using State = odeint::State<Real>;
  boost::numeric::odeint::runge_kutta4<State, Real, State, Real, odeint::Algebra, odeint::Operations,
                                       odeint::Resizer>
      stepper_;
  std::vector<double> tau_;
  State x_;
  State rate_;
  State result_;
};

}  // namespace

template <class Real>
std::unique_ptr<Integrator<Real>> make_runge_kutta_4(const Flow<Real>& flow) {
  return std::make_unique<RungeKutta4<Real>>(flow.tau());
}

template std::unique_ptr<Integrator<float>> make_runge_kutta_4<float>(const Flow<float>&);
template std::unique_ptr<Integrator<double>> make_runge_kutta_4<double>(const Flow<double>&);

}  // namespace ecphory::dynamics
