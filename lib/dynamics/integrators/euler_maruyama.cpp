// Euler & Maruyama, for Itô's integral: x ← x + dt (d − x)/τ + b(x) ΔW. Strong order 1/2 (1 where the noise
// is additive), weak order 1 (Kloeden & Platen 1992). Between steps the path is drawn straight.

#include "ecphory/dynamics/integrators/integrator.hpp"
#include "ecphory/dynamics/integrators/wiener.hpp"

namespace ecphory::dynamics {
namespace {

template <class Real>
class EulerMaruyama final : public Integrator<Real> {
 public:
  explicit EulerMaruyama(const base::RandomKey& key) : key_(key) {}

  void attempt(Flow<Real>& flow, const Attempt<Real>& a) override {
    wiener_increments(key_, flow, a, a.x_new);
    for (compute::Index j = 0; j < a.x.columns; ++j) {
      const double dt = a.dt[static_cast<std::size_t>(j)];
      const Real* const x = a.x.column(j);
      const Real* const d = a.d.column(j);
      Real* const x_new = a.x_new.column(j);
      for (compute::Index i = 0; i < a.x.rows; ++i) {
        const auto z = static_cast<Real>(dt / flow.tau()[static_cast<std::size_t>(i)]);
        x_new[i] = x[i] + z * (d[i] - x[i]) + strength(flow, i, x[i]) * x_new[i];
      }
    }
    flow.drive(a.x_new, a.d_new);
    std::ranges::fill(a.error, 0.0);
  }

  void interpolate(const Attempt<Real>& a, compute::Index column, double theta, Real* x) const override {
    interpolate_straight(a, column, theta, x);
  }

 private:
  base::RandomKey key_;
};

}  // namespace

template <class Real>
std::unique_ptr<Integrator<Real>> make_euler_maruyama(const Flow<Real>&, const base::RandomKey& key) {
  return std::make_unique<EulerMaruyama<Real>>(key);
}

template std::unique_ptr<Integrator<float>> make_euler_maruyama<float>(const Flow<float>&,
                                                                       const base::RandomKey&);
template std::unique_ptr<Integrator<double>> make_euler_maruyama<double>(const Flow<double>&,
                                                                         const base::RandomKey&);

}  // namespace ecphory::dynamics
