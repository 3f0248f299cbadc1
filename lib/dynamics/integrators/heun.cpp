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
  explicit Heun(const base::RandomKey& key) : key_(key) {}

  void attempt(Flow<Real>& flow, const Attempt<Real>& a) override {
    if (increments_.rows() != a.x.rows || increments_.columns() != a.x.columns) {
      increments_ = compute::Array<Real>({a.x.rows, a.x.columns});
    }
    wiener_increments<Real>(key_, flow, a, increments_);
    for (Index j = 0; j < a.x.columns; ++j) {
      const double dt = a.dt[static_cast<std::size_t>(j)];
      const Real* const x = a.x.column(j);
      for (Index i = 0; i < a.x.rows; ++i) {
        const auto z = static_cast<Real>(dt / flow.tau()[static_cast<std::size_t>(i)]);
        const Real noise = strength(flow, i, x[i]) * increments_.data()[j * a.x.rows + i];
        a.x_new.column(j)[i] = x[i] + z * (a.d.column(j)[i] - x[i]) + noise;
      }
    }
    flow.drive(a.x_new, a.d_new);
    for (Index j = 0; j < a.x.columns; ++j) {
      const double dt = a.dt[static_cast<std::size_t>(j)];
      const Real* const x = a.x.column(j);
      Real* const x_new = a.x_new.column(j);
      for (Index i = 0; i < a.x.rows; ++i) {
        const auto half = static_cast<Real>(0.5 * dt / flow.tau()[static_cast<std::size_t>(i)]);
        const Real drift = (a.d.column(j)[i] - x[i]) + (a.d_new.column(j)[i] - x_new[i]);
        const Real noise = Real{0.5} * (strength(flow, i, x[i]) + strength(flow, i, x_new[i])) *
                           increments_.data()[j * a.x.rows + i];
        x_new[i] = x[i] + half * drift + noise;
      }
    }
    flow.drive(a.x_new, a.d_new);
    std::ranges::fill(a.error, 0.0);
  }

  void interpolate(const Attempt<Real>& a, Index column, double theta, Real* x) const override {
    interpolate_straight(a, column, theta, x);
  }

 private:
  base::RandomKey key_;
  compute::Array<Real> increments_;
};

}  // namespace

template <class Real>
std::unique_ptr<Integrator<Real>> make_heun(const Flow<Real>&, const base::RandomKey& key) {
  return std::make_unique<Heun<Real>>(key);
}

template std::unique_ptr<Integrator<float>> make_heun<float>(const Flow<float>&, const base::RandomKey&);
template std::unique_ptr<Integrator<double>> make_heun<double>(const Flow<double>&, const base::RandomKey&);

}  // namespace ecphory::dynamics
