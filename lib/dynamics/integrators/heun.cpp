// Stochastic Heun, for Stratonovich's integral: with the Euler step x̃ as predictor,
//     x ← x + dt/2 (f(x) + f(x̃)) + ΔW/2 (b(x) + b(x̃)),   f = (d − x)/τ.
// Strong order 1 for noise of one source in each row, order 2 without noise (Rümelin 1982). Between steps the
// path is drawn straight.

#include "ecphory/dynamics/integrators/integrator.hpp"
#include "ecphory/dynamics/integrators/wiener.hpp"

namespace ecphory::dynamics {
namespace {

using compute::Index;

template <class Real>
class Heun final : public Integrator<Real> {
 public:
  Heun(const Flow<Real>& flow, const base::RandomKey& key) : key_(key), rows_(flow) {}

  void attempt(Flow<Real>& flow, const Attempt<Real>& a) override {
    if (increments_.rows() != a.x.rows || increments_.columns() != a.x.columns ||
        increments_.device() != a.x.device) {
      increments_ = compute::Array<Real>({a.x.rows, a.x.columns}, a.x.device);
    }
    wiener_increments<Real>(key_, rows_, a, increments_);
    predict(a);
    flow.drive(a.x_new, a.d_new);
    correct(a);
    flow.drive(a.x_new, a.d_new);
  }

  std::vector<compute::View<const Real>> dense_output(const Attempt<Real>& a) const override {
    return {a.x, a.x_new};
  }

  void interpolate(std::span<const compute::View<const Real>> dense, Index column, const Moment& moment,
                   Real* x) const override {
    interpolate_straight(dense[0], dense[1], column, moment.theta, x);
  }

 private:
  /// The Euler step.
  void predict(const Attempt<Real>& a) const {
    if (a.x.device != compute::kCpu) {
      return cuda::Operations<Real>::euler_maruyama(a.on_device, rows_.tau, rows_.noise, a.x, a.d,
                                                    increments_, a.x_new);
    }
    for (Index j = 0; j < a.x.columns; ++j) {
      const double dt = a.steps[static_cast<std::size_t>(j)].dt;
      const Real* const x = a.x.column(j);
      for (Index i = 0; i < a.x.rows; ++i) {
        const auto z = static_cast<Real>(dt / rows_.tau.data()[i]);
        const Real noise = strength(rows_.noise.data()[i], x[i]) * increments_.data()[j * a.x.rows + i];
        a.x_new.column(j)[i] = x[i] + z * (a.d.column(j)[i] - x[i]) + noise;
      }
    }
  }

  /// The step, with the Euler step in x_new and its drives in d_new.
  void correct(const Attempt<Real>& a) const {
    if (a.x.device != compute::kCpu) {
      return cuda::Operations<Real>::heun(a.on_device, rows_.tau, rows_.noise, a.x, a.d, a.d_new, increments_,
                                          a.x_new);
    }
    for (Index j = 0; j < a.x.columns; ++j) {
      const double dt = a.steps[static_cast<std::size_t>(j)].dt;
      const Real* const x = a.x.column(j);
      Real* const x_new = a.x_new.column(j);
      for (Index i = 0; i < a.x.rows; ++i) {
        const auto half = static_cast<Real>(0.5 * dt / rows_.tau.data()[i]);
        const Real drift = (a.d.column(j)[i] - x[i]) + (a.d_new.column(j)[i] - x_new[i]);
        const Real noise =
            Real{0.5} * (strength(rows_.noise.data()[i], x[i]) + strength(rows_.noise.data()[i], x_new[i])) *
            increments_.data()[j * a.x.rows + i];
        x_new[i] = x[i] + half * drift + noise;
      }
    }
  }

  base::RandomKey key_;
  NoisyRows<Real> rows_;
  compute::Array<Real> increments_;
};

}  // namespace

template <class Real>
std::unique_ptr<Integrator<Real>> make_heun(const Flow<Real>& flow, const base::RandomKey& key) {
  return std::make_unique<Heun<Real>>(flow, key);
}

template std::unique_ptr<Integrator<float>> make_heun<float>(const Flow<float>&, const base::RandomKey&);
template std::unique_ptr<Integrator<double>> make_heun<double>(const Flow<double>&, const base::RandomKey&);

}  // namespace ecphory::dynamics
