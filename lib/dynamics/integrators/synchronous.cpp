// Synchronous updates in discrete time: every neuron takes the state to which it is driven, x ← d(x). With
// binary outputs g = sgn(x) that is the parallel rule s ← sgn(W s) (Little 1974, Math. Biosci. 19:101); with
// a temperature T the fields of binary neurons get logistic noise, so that P(s_i = 1) = 1/(1 + exp(−2
// d_i/T)). Where d = Ξ softmax(β Ξᵀ x) it is the update of Ramsauer et al. (2021, eq. 3). Between updates
// states stand still.

#include <algorithm>
#include <cmath>

#include "ecphory/dynamics/integrators/integrator.hpp"

namespace ecphory::dynamics {
namespace {

using compute::Index;

template <class Real>
class Synchronous final : public Integrator<Real> {
 public:
  Synchronous(const Network<Real>& network, double temperature, const base::RandomKey& key)
      : network_(network), temperature_(temperature), key_(key) {}

  void attempt(Flow<Real>& flow, const Attempt<Real>& a) override {
    a.x_new.matrix() = a.d.matrix();
    if (temperature_ > 0) heat(a);
    flow.drive(a.x_new, a.d_new);
  }

  std::vector<compute::View<const Real>> dense_output(const Attempt<Real>& a) const override {
    return {a.x, a.x_new};
  }

  void interpolate(std::span<const compute::View<const Real>> dense, Index column, const Moment& moment,
                   Real* x) const override {
    std::copy_n(dense[moment.theta < 1 ? 0 : 1].column(column), dense[0].rows, x);
  }

 private:
  void heat(const Attempt<Real>& a) {
    const auto rows = static_cast<std::size_t>(a.x.rows);
    uniform_.resize(rows);
    for (Index j = 0; j < a.x.columns; ++j) {
      const auto at = static_cast<std::size_t>(j);
      if (a.steps[at].trajectory < 0) continue;
      base::RandomStream(key_, base::Purpose("dynamics.synchronous"),
                         static_cast<std::uint32_t>(a.steps[at].made))
          .uniforms(static_cast<std::uint64_t>(a.steps[at].trajectory) * rows, std::span(uniform_));
      for (LayerId id = 0; id < network_.layers().size(); ++id) {
        const Layer<Real>& layer = network_.layers()[id];
        if (layer.tau == 0 || !std::holds_alternative<Sign>(layer.lagrangian)) continue;
        const Index first = network_.first_row(id);
        for (Index i = first; i < first + layer.neurons; ++i) {
          const double u = uniform_[static_cast<std::size_t>(i)];
          a.x_new.column(j)[i] += static_cast<Real>(0.5 * temperature_ * std::log(u / (1 - u)));
        }
      }
    }
  }

  const Network<Real>& network_;
  double temperature_;
  base::RandomKey key_;
  std::vector<double> uniform_;
};

}  // namespace

template <class Real>
std::unique_ptr<Integrator<Real>> make_synchronous(const Flow<Real>& flow, double temperature,
                                                   const base::RandomKey& key) {
  return std::make_unique<Synchronous<Real>>(flow.network(), temperature, key);
}

template std::unique_ptr<Integrator<float>> make_synchronous<float>(const Flow<float>&, double,
                                                                    const base::RandomKey&);
template std::unique_ptr<Integrator<double>> make_synchronous<double>(const Flow<double>&, double,
                                                                      const base::RandomKey&);

}  // namespace ecphory::dynamics
