// Dormand & Prince 5(4) (1980, J. Comput. Appl. Math. 6:19), the last stage being the next step's first. The
// error is the root mean square over rows of |e| / (atol + rtol max(|x|, |x_new|)) (Hairer, Nørsett & Wanner,
// II.4). Dense output of order 4 by odeint's continuous extension.

#include <cmath>

#include <boost/numeric/odeint/stepper/runge_kutta_dopri5.hpp>

#include "ecphory/dynamics/integrators/integrator.hpp"
#include "ecphory/dynamics/integrators/odeint.hpp"
#include "ecphory/dynamics/integrators/row_constants.hpp"

namespace ecphory::dynamics {
namespace {

template <class Real>
class DormandPrince final : public Integrator<Real> {
 public:
  DormandPrince(const Flow<Real>& flow, double rtol, double atol)
      : rtol_(rtol), atol_(atol), tau_(row_constants(flow.tau(), flow.device())) {}

  void attempt(Flow<Real>& flow, const Attempt<Real>& a) override {
    const odeint::ScaledRate<Real> rate(flow, a, tau_);
    for (State* const state : {&x_, &rate_, &rate_new_, &x_new_, &error_}) odeint::fit(*state, a.x);
    odeint::copy<Real>(a.x, x_);
    rate.from_drive(a.x, a.d, rate_);
    stepper_.do_step(rate, x_, rate_, Real{0}, x_new_, rate_new_, Real{1}, error_);
    odeint::copy<Real>(x_new_, a.x_new);
    if (a.x.device != compute::kCpu)
      return cuda::Operations<Real>::error_norms(rtol_, atol_, x_, x_new_, error_, a.error);
    for (compute::Index j = 0; j < a.x.columns; ++j) *a.error.column(j) = error_norm(j);
  }

  std::vector<compute::View<const Real>> dense_output(const Attempt<Real>&) const override {
    std::vector<compute::View<const Real>> dense;
    odeint::Terms<Real> sum = sum_at(0);
    for (const compute::Scaled<Real>& term : sum.terms()) dense.push_back(term.matrix);
    return dense;
  }

  void interpolate(std::span<const compute::View<const Real>> dense, compute::Index column,
                   const Moment& moment, Real* x) const override {
    odeint::Terms<Real> sum = sum_at(moment.theta);
    for (std::size_t k = 0; k < sum.count; ++k) sum.all[k].matrix = dense[k].middle_columns(column, 1);
    compute::scaled_sum<Real>(sum.terms(), compute::View<Real>(x, dense[0].rows, 1, dense[0].rows));
  }

 private:
  using State = odeint::State<Real>;

  /// x(t + θ dt) as a sum of the states of the last step.
  odeint::Terms<Real> sum_at(double theta) const {
    odeint::Terms<Real> result;
    stepper_.calc_state(static_cast<Real>(theta), result, x_, rate_, Real{0}, x_new_, rate_new_, Real{1});
    return result;
  }

  double error_norm(compute::Index column) const {
    const compute::Index rows = x_.rows();
    const Real* const before = x_.data() + column * rows;
    const Real* const after = x_new_.data() + column * rows;
    const Real* const error = error_.data() + column * rows;
    const auto rtol = static_cast<Real>(rtol_);
    const auto atol = static_cast<Real>(atol_);
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (compute::Index i = 0; i < rows; ++i) {
      const Real p = std::abs(before[i]);
      const Real q = std::abs(after[i]);
      const Real ratio = error[i] / (atol + rtol * (p > q ? p : q));
      sum += static_cast<double>(ratio) * static_cast<double>(ratio);
    }
    return std::sqrt(sum / static_cast<double>(rows));
  }

  boost::numeric::odeint::runge_kutta_dopri5<State, Real, State, Real, odeint::Algebra, odeint::Operations,
                                             odeint::Resizer>
      stepper_;
  double rtol_;
  double atol_;
  compute::Array<double> tau_;
  State x_;
  State x_new_;
  State rate_;
  State rate_new_;
  State error_;
};

}  // namespace

template <class Real>
std::unique_ptr<Integrator<Real>> make_dormand_prince(const Flow<Real>& flow, double rtol, double atol) {
  return std::make_unique<DormandPrince<Real>>(flow, rtol, atol);
}

template std::unique_ptr<Integrator<float>> make_dormand_prince<float>(const Flow<float>&, double, double);
template std::unique_ptr<Integrator<double>> make_dormand_prince<double>(const Flow<double>&, double, double);

}  // namespace ecphory::dynamics
