// Asynchronous updates in discrete time: in one step every binary neuron is looked at once, in a random order
// of each trajectory and step, and flips with probability 1/(1 + exp(ΔE/T)) (Glauber 1963, J. Math. Phys.
// 4:294); at T = 0 it flips if that lowers the energy. With E = −½ sᵀW s that is Hopfield's (1982) rule
// without self-coupling; with a polynomial or an exponential separation the rule of Krotov & Hopfield (2016,
// eq. 3) and of Demircigil et al. (2017). States are ±1, and stand still between steps. The rate by which
// convergence is told is that of the last step: it is 0 when no neuron flipped.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ecphory/dynamics/flips.hpp"
#include "ecphory/dynamics/integrators/integrator.hpp"

namespace ecphory::dynamics {
namespace {

using compute::Index;

template <class Real>
class Asynchronous final : public Integrator<Real> {
 public:
  Asynchronous(const Flow<Real>& flow, double temperature, const base::RandomKey& key)
      : flips_(flow.network()), temperature_(temperature), key_(key) {}

  void attempt(Flow<Real>& flow, const Attempt<Real>& a) override {
    flips_.start(flow.ids(), *std::ranges::max_element(a.t), a.x);
    for (Index j = 0; j < a.x.columns; ++j) {
      if (a.steps[static_cast<std::size_t>(j)].trajectory >= 0) sweep(a, j);
    }
    for (Index j = 0; j < a.x.columns; ++j) {
      for (Index i = 0; i < a.x.rows; ++i) {
        const Real s = flips_.spins().column(j)[i];
        a.x_new.column(j)[i] = s;
        a.d_new.column(j)[i] = a.x.column(j)[i] >= 0 ? Real{1} : Real{-1};
      }
    }
  }

  std::vector<compute::View<const Real>> dense_output(const Attempt<Real>& a) const override {
    return {a.x, a.x_new};
  }

  void interpolate(std::span<const compute::View<const Real>> dense, Index column, const Moment& moment,
                   Real* x) const override {
    std::copy_n(dense[moment.theta < 1 ? 0 : 1].column(column), dense[0].rows, x);
  }

 private:
  void sweep(const Attempt<Real>& a, Index column) {
    const auto at = static_cast<std::size_t>(column);
    const auto n = static_cast<std::size_t>(a.x.rows);
    const auto first = static_cast<std::uint64_t>(a.steps[at].trajectory) * 2 * n;
    const auto step = static_cast<std::uint32_t>(a.steps[at].made);
    uniform_.resize(2 * n);
    base::RandomStream(key_, base::Purpose("dynamics.asynchronous"), step)
        .uniforms(first, std::span(uniform_).first(temperature_ > 0 ? 2 * n : n));
    order_.resize(n);
    std::iota(order_.begin(), order_.end(), Index{0});
    for (std::size_t k = 0; k < n; ++k) {  // Fisher & Yates
      const auto other = k + static_cast<std::size_t>(uniform_[k] * static_cast<double>(n - k));
      std::swap(order_[k], order_[std::min(other, n - 1)]);
      const double change = flips_.change(column, order_[k]);
      const bool flips =
          temperature_ > 0 ? uniform_[n + k] * (1 + std::exp(change / temperature_)) < 1 : change < 0;
      if (flips) flips_.flip(column, order_[k]);
    }
  }

  Flips<Real> flips_;
  double temperature_;
  base::RandomKey key_;
  std::vector<double> uniform_;
  std::vector<Index> order_;
};

}  // namespace

template <class Real>
std::unique_ptr<Integrator<Real>> make_asynchronous(const Flow<Real>& flow, double temperature,
                                                    const base::RandomKey& key) {
  return std::make_unique<Asynchronous<Real>>(flow, temperature, key);
}

template std::unique_ptr<Integrator<float>> make_asynchronous<float>(const Flow<float>&, double,
                                                                     const base::RandomKey&);
template std::unique_ptr<Integrator<double>> make_asynchronous<double>(const Flow<double>&, double,
                                                                       const base::RandomKey&);

}  // namespace ecphory::dynamics
