// ETD2RK (Cox & Matthews 2002, J. Comput. Phys. 176:430, eq. 22): the leak exact, the drive linear in time
// between d(x) and d(a), a being the exponential Euler step. With z = dt/τ and s = dt θ:
//     x(s) = e^{−s/τ} x + (1 − e^{−s/τ}) d(x) + (s/τ − 1 + e^{−s/τ}) / z · (d(a) − d(x))
// Order 2; the formula is its own dense output.

#include <cmath>

#include "ecphory/dynamics/integrators/integrator.hpp"

namespace ecphory::dynamics {
namespace {

using compute::Index;

template <class Real>
class ExponentialRungeKutta final : public Integrator<Real> {
 public:
  explicit ExponentialRungeKutta(std::vector<double> tau) : tau_(std::move(tau)) {}

  void attempt(Flow<Real>& flow, const Attempt<Real>& a) override {
    if (drive_.rows() != a.x.rows || drive_.columns() != a.x.columns) {
      drive_ = compute::Array<Real>({a.x.rows, a.x.columns});
    }
    drive_.matrix() = a.d.matrix();
    for (Index j = 0; j < a.x.columns; ++j) step(a, j, 1, a.x_new.column(j));
    flow.drive(a.x_new, drive_);
    for (Index j = 0; j < a.x.columns; ++j) step(a, j, 1, a.x_new.column(j));
    flow.drive(a.x_new, a.d_new);
    std::ranges::fill(a.error, 0.0);
  }

  void interpolate(const Attempt<Real>& a, Index column, double theta, Real* x) const override {
    step(a, column, theta, x);
  }

 private:
  /// The formula with d(a) in drive_; with d(x) there it is the exponential Euler step.
  void step(const Attempt<Real>& a, Index column, double theta, Real* x) const {
    const Real* const from = a.x.column(column);
    const Real* const drive = a.d.column(column);
    const Real* const drive_ahead = drive_.data() + column * a.x.rows;
    const double dt = a.dt[static_cast<std::size_t>(column)];
    double tau = 0;
    Real keep = 1;
    Real take = 0;
    Real slope = 0;
    for (Index i = 0; i < a.x.rows; ++i) {
      if (tau_[static_cast<std::size_t>(i)] != tau) {
        tau = tau_[static_cast<std::size_t>(i)];
        keep = static_cast<Real>(std::exp(-theta * dt / tau));
        take = static_cast<Real>(-std::expm1(-theta * dt / tau));
        slope = dt > 0 ? static_cast<Real>(linear_part(theta * dt / tau) * tau / dt) : Real{0};
      }
      x[i] = keep * from[i] + take * drive[i] + slope * (drive_ahead[i] - drive[i]);
    }
  }

  /// y − 1 + e^{−y}, by its series where the terms cancel.
  static double linear_part(double y) {
    if (y > 0.1) return y + std::expm1(-y);
    double term = y * y / 2;
    double sum = 0;
    for (int k = 3; k < 14; ++k) {
      sum += term;
      term *= -y / k;
    }
    return sum;
  }

  std::vector<double> tau_;
  compute::Array<Real> drive_;
};

}  // namespace

template <class Real>
std::unique_ptr<Integrator<Real>> make_exponential_runge_kutta(const Flow<Real>& flow) {
  return std::make_unique<ExponentialRungeKutta<Real>>(flow.tau());
}

template std::unique_ptr<Integrator<float>> make_exponential_runge_kutta<float>(const Flow<float>&);
template std::unique_ptr<Integrator<double>> make_exponential_runge_kutta<double>(const Flow<double>&);

}  // namespace ecphory::dynamics
