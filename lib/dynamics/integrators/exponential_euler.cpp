// Exponential Euler: the leak is integrated exactly while the drive is held,
//     x ← (1 − γ) x + γ d,   γ = 1 − exp(−dt/τ),
// which is a gated attention layer where d = Ξ softmax(β Ξᵀ x) (DESIGN §2.3; γ = 1: Ramsauer et al. 2021, eq.
// 3). Order 1; dense output by the same formula.

#include <cmath>

#include "ecphory/dynamics/integrators/integrator.hpp"

namespace ecphory::dynamics {
namespace {

template <class Real>
class ExponentialEuler final : public Integrator<Real> {
 public:
  explicit ExponentialEuler(std::vector<double> tau) : tau_(std::move(tau)) {}

  void attempt(Flow<Real>& flow, const Attempt<Real>& a) override {
    for (compute::Index j = 0; j < a.x.columns; ++j) {
      step(a, j, a.dt[static_cast<std::size_t>(j)], a.x_new.column(j));
    }
    flow.drive(a.x_new, a.d_new);
    std::ranges::fill(a.error, 0.0);
  }

  void interpolate(const Attempt<Real>& a, compute::Index column, double theta, Real* x) const override {
    step(a, column, theta * a.dt[static_cast<std::size_t>(column)], x);
  }

 private:
  void step(const Attempt<Real>& a, compute::Index column, double dt, Real* x) const {
    const Real* const from = a.x.column(column);
    const Real* const drive = a.d.column(column);
    double tau = 0;
    Real keep = 1;
    Real take = 0;
    for (compute::Index i = 0; i < a.x.rows; ++i) {
      if (tau_[static_cast<std::size_t>(i)] != tau) {
        tau = tau_[static_cast<std::size_t>(i)];
        keep = static_cast<Real>(std::exp(-dt / tau));
        take = static_cast<Real>(-std::expm1(-dt / tau));
      }
      x[i] = keep * from[i] + take * drive[i];
    }
  }

  std::vector<double> tau_;
};

}  // namespace

template <class Real>
std::unique_ptr<Integrator<Real>> make_exponential_euler(const Flow<Real>& flow) {
  return std::make_unique<ExponentialEuler<Real>>(flow.tau());
}

template std::unique_ptr<Integrator<float>> make_exponential_euler<float>(const Flow<float>&);
template std::unique_ptr<Integrator<double>> make_exponential_euler<double>(const Flow<double>&);

}  // namespace ecphory::dynamics
