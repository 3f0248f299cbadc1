// Exponential Euler: the leak is integrated exactly while the drive is held,
//     x ← (1 − γ) x + γ d,   γ = 1 − exp(−dt/τ),
// which is a gated attention layer where d = Ξ softmax(β Ξᵀ x) (DESIGN §2.3; γ = 1: Ramsauer et al. 2021, eq.
// 3). Order 1; dense output by the same formula.

#include <cmath>

#include "ecphory/dynamics/cuda_operations.hpp"
#include "ecphory/dynamics/integrators/integrator.hpp"
#include "ecphory/dynamics/integrators/row_constants.hpp"

namespace ecphory::dynamics {
namespace {

using compute::View;

template <class Real>
class ExponentialEuler final : public Integrator<Real> {
 public:
  explicit ExponentialEuler(const Flow<Real>& flow)
      : tau_(flow.tau()), tau_on_device_(row_constants(flow.tau(), flow.device())) {}

  void attempt(Flow<Real>& flow, const Attempt<Real>& a) override {
    if (a.x.device != compute::kCpu) {
      cuda::Operations<Real>::exponential_euler(a.on_device, tau_on_device_, a.x, a.d, a.x_new);
    } else {
      for (compute::Index j = 0; j < a.x.columns; ++j) {
        step(a.x, a.d, j, a.steps[static_cast<std::size_t>(j)].dt, a.x_new.column(j));
      }
    }
    flow.drive(a.x_new, a.d_new);
  }

  std::vector<View<const Real>> dense_output(const Attempt<Real>& a) const override { return {a.x, a.d}; }

  void interpolate(std::span<const View<const Real>> dense, compute::Index column, const Moment& moment,
                   Real* x) const override {
    step(dense[0], dense[1], column, moment.theta * moment.dt, x);
  }

 private:
  void step(View<const Real> before, View<const Real> drives, compute::Index column, double dt,
            Real* x) const {
    const Real* const from = before.column(column);
    const Real* const drive = drives.column(column);
    double tau = 0;
    Real keep = 1;
    Real take = 0;
    for (compute::Index i = 0; i < before.rows; ++i) {
      if (tau_[static_cast<std::size_t>(i)] != tau) {
        tau = tau_[static_cast<std::size_t>(i)];
        keep = static_cast<Real>(std::exp(-dt / tau));
        take = static_cast<Real>(-std::expm1(-dt / tau));
      }
      x[i] = keep * from[i] + take * drive[i];
    }
  }

  std::vector<double> tau_;
  compute::Array<double> tau_on_device_;
};

}  // namespace

template <class Real>
std::unique_ptr<Integrator<Real>> make_exponential_euler(const Flow<Real>& flow) {
  return std::make_unique<ExponentialEuler<Real>>(flow);
}

template std::unique_ptr<Integrator<float>> make_exponential_euler<float>(const Flow<float>&);
template std::unique_ptr<Integrator<double>> make_exponential_euler<double>(const Flow<double>&);

}  // namespace ecphory::dynamics
