// Euler & Maruyama, for Itô's integral: x ← x + dt (d − x)/τ + b(x) ΔW. Strong order 1/2 (1 where the noise
// is additive), weak order 1 (Kloeden & Platen 1992). Between steps the path is drawn straight.

#include "ecphory/dynamics/integrators/integrator.hpp"
#include "ecphory/dynamics/integrators/wiener.hpp"

namespace ecphory::dynamics {
namespace {

template <class Real>
class EulerMaruyama final : public Integrator<Real> {
 public:
  EulerMaruyama(const Flow<Real>& flow, const base::RandomKey& key) : key_(key), rows_(flow) {}

  void attempt(Flow<Real>& flow, const Attempt<Real>& a) override {
    wiener_increments(key_, rows_, a, a.x_new);
    step(a);
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
  /// With the increments in x_new.
  void step(const Attempt<Real>& a) const {
    if (a.x.device != compute::kCpu) {
      return cuda::Operations<Real>::euler_maruyama(a.on_device, rows_.tau, rows_.noise, a.x, a.d, a.x_new,
                                                    a.x_new);
    }
    for (compute::Index j = 0; j < a.x.columns; ++j) {
      const double dt = a.steps[static_cast<std::size_t>(j)].dt;
      const Real* const x = a.x.column(j);
      const Real* const d = a.d.column(j);
      Real* const x_new = a.x_new.column(j);
      for (compute::Index i = 0; i < a.x.rows; ++i) {
        const auto z = static_cast<Real>(dt / rows_.tau.data()[i]);
        x_new[i] = x[i] + z * (d[i] - x[i]) + strength(rows_.noise.data()[i], x[i]) * x_new[i];
      }
    }
  }

  base::RandomKey key_;
  NoisyRows<Real> rows_;
};

}  // namespace

template <class Real>
std::unique_ptr<Integrator<Real>> make_euler_maruyama(const Flow<Real>& flow, const base::RandomKey& key) {
  return std::make_unique<EulerMaruyama<Real>>(flow, key);
}

template std::unique_ptr<Integrator<float>> make_euler_maruyama<float>(const Flow<float>&,
                                                                       const base::RandomKey&);
template std::unique_ptr<Integrator<double>> make_euler_maruyama<double>(const Flow<double>&,
                                                                         const base::RandomKey&);

}  // namespace ecphory::dynamics
