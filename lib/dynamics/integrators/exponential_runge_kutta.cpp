// ETD2RK (Cox & Matthews 2002, J. Comput. Phys. 176:430, eq. 22): the leak exact, the drive linear in time
// between d(x) and d(a), a being the exponential Euler step. With z = dt/τ and s = dt θ:
//     x(s) = e^{−s/τ} x + (1 − e^{−s/τ}) d(x) + (s/τ − 1 + e^{−s/τ}) / z · (d(a) − d(x))
// Order 2; the formula is its own dense output.

#include "ecphory/dynamics/integrators/exponential_runge_kutta.hpp"

#include "ecphory/dynamics/cuda_operations.hpp"
#include "ecphory/dynamics/integrators/integrator.hpp"
#include "ecphory/dynamics/integrators/row_constants.hpp"

namespace ecphory::dynamics {
namespace {

using compute::Index;
using compute::View;

template <class Real>
class ExponentialRungeKutta final : public Integrator<Real> {
 public:
  explicit ExponentialRungeKutta(const Flow<Real>& flow)
      : tau_(flow.tau()), tau_on_device_(row_constants(flow.tau(), flow.device())) {}

  void attempt(Flow<Real>& flow, const Attempt<Real>& a) override {
    if (drive_.rows() != a.x.rows || drive_.columns() != a.x.columns || drive_.device() != a.x.device) {
      drive_ = compute::Array<Real>({a.x.rows, a.x.columns}, a.x.device);
    }
    if (a.x.device != compute::kCpu) {
      cuda::Operations<Real>::exponential_euler(a.on_device, tau_on_device_, a.x, a.d, a.x_new);
      flow.drive(a.x_new, drive_);
      cuda::Operations<Real>::exponential_runge_kutta(a.on_device, tau_on_device_, a.x, a.d, drive_, a.x_new);
    } else {
      drive_.matrix() = a.d.matrix();
      step_all(a);
      flow.drive(a.x_new, drive_);
      step_all(a);
    }
    flow.drive(a.x_new, a.d_new);
  }

  std::vector<View<const Real>> dense_output(const Attempt<Real>& a) const override {
    return {a.x, a.d, drive_};
  }

  void interpolate(std::span<const View<const Real>> dense, Index column, const Moment& moment,
                   Real* x) const override {
    step(dense, column, moment.dt, moment.theta, x);
  }

 private:
  /// With d(x) in drive_ that is the exponential Euler step.
  void step_all(const Attempt<Real>& a) const {
    const std::vector<View<const Real>> dense = dense_output(a);
    for (Index j = 0; j < a.x.columns; ++j)
      step(dense, j, a.steps[static_cast<std::size_t>(j)].dt, 1, a.x_new.column(j));
  }

  /// The formula with x, d(x) and d(a) in `dense`.
  void step(std::span<const View<const Real>> dense, Index column, double dt, double theta, Real* x) const {
    const Real* const from = dense[0].column(column);
    const Real* const drive = dense[1].column(column);
    const Real* const drive_ahead = dense[2].column(column);
    double tau = 0;
    Real keep = 1;
    Real take = 0;
    Real slope = 0;
    for (Index i = 0; i < dense[0].rows; ++i) {
      if (tau_[static_cast<std::size_t>(i)] != tau) {
        tau = tau_[static_cast<std::size_t>(i)];
        keep = static_cast<Real>(std::exp(-theta * dt / tau));
        take = static_cast<Real>(-std::expm1(-theta * dt / tau));
        slope = dt > 0 ? static_cast<Real>(linear_part(theta * dt / tau) * tau / dt) : Real{0};
      }
      x[i] = keep * from[i] + take * drive[i] + slope * (drive_ahead[i] - drive[i]);
    }
  }

  std::vector<double> tau_;
  compute::Array<double> tau_on_device_;
  compute::Array<Real> drive_;
};

}  // namespace

template <class Real>
std::unique_ptr<Integrator<Real>> make_exponential_runge_kutta(const Flow<Real>& flow) {
  return std::make_unique<ExponentialRungeKutta<Real>>(flow);
}

template std::unique_ptr<Integrator<float>> make_exponential_runge_kutta<float>(const Flow<float>&);
template std::unique_ptr<Integrator<double>> make_exponential_runge_kutta<double>(const Flow<double>&);

}  // namespace ecphory::dynamics
