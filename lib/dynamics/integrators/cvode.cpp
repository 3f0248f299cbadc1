// SUNDIALS CVODE (Hindmarsh et al. 2005, ACM TOMS 31:363): BDF of variable order and step, Newton with GMRES
// and products of the Jacobian by difference quotients, so that no matrix of the size of the state is ever
// formed. For stiff networks, τ_h ≪ τ_f. One trajectory at a time: each has its own steps.

#include <cmath>
#include <limits>

#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <sundials/sundials_context.hpp>
#include <sunlinsol/sunlinsol_spgmr.h>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/integrators/integrator.hpp"

namespace ecphory::dynamics {
namespace {

using compute::Array;
using compute::Index;

static_assert(std::is_same_v<realtype, double>);

struct VectorDeleter {
  void operator()(N_Vector v) const { N_VDestroy(v); }
};
using Vector = std::unique_ptr<std::remove_pointer_t<N_Vector>, VectorDeleter>;

struct SolverDeleter {
  void operator()(SUNLinearSolver s) const { SUNLinSolFree(s); }
};
using Solver = std::unique_ptr<std::remove_pointer_t<SUNLinearSolver>, SolverDeleter>;

struct MemoryDeleter {
  void operator()(void* memory) const { CVodeFree(&memory); }
};
using Memory = std::unique_ptr<void, MemoryDeleter>;

void check(int flag, const char* doing) { base::ensure(flag >= 0, std::string("SUNDIALS: ") + doing); }

template <class Real>
class Cvode final : public Integrator<Real> {
 public:
  Cvode(Index rows, double rtol, double atol)
      : rows_(rows),
        rtol_(rtol),
        atol_(atol),
        state_(N_VNew_Serial(rows, context_)),
        memory_(CVodeCreate(CV_BDF, context_)),
        solver_(SUNLinSol_SPGMR(state_.get(), SUN_PREC_NONE, 0, context_)) {
    N_VConst(0, state_.get());
    check(CVodeInit(memory_.get(), rate, 0, state_.get()), "CVodeInit");
    check(CVodeSStolerances(memory_.get(), rtol_, atol_), "CVodeSStolerances");
    check(CVodeSetUserData(memory_.get(), this), "CVodeSetUserData");
    check(CVodeSetLinearSolver(memory_.get(), solver_.get(), nullptr), "CVodeSetLinearSolver");
    check(CVodeSetErrFile(memory_.get(), nullptr), "CVodeSetErrFile");
  }

  void restart() override { fresh_ = true; }

  void attempt(Flow<Real>& flow, const Attempt<Real>& a) override {
    flow_ = &flow;
    column_ = 0;
    while (a.steps[static_cast<std::size_t>(column_)].trajectory < 0) ++column_;
    const auto at = static_cast<std::size_t>(column_);
    if (x_.columns() != a.x.columns) {
      x_ = Array<Real>({a.x.rows, a.x.columns});
      d_ = Array<Real>({a.x.rows, a.x.columns});
      x_.matrix().setZero();
    }
    a.x_new.matrix() = a.x.matrix();
    double& dt = a.steps[at].dt;
    double& error = *a.error.column(column_);
    if (dt > 0) {
      if (fresh_) {
        std::copy_n(a.x.column(column_), a.x.rows, N_VGetArrayPointer(state_.get()));
        check(CVodeReInit(memory_.get(), a.t[at], state_.get()), "CVodeReInit");
        fresh_ = false;
      }
      check(CVodeSetStopTime(memory_.get(), a.limit[at]), "CVodeSetStopTime");
      double t = a.t[at];
      const int flag = CVode(memory_.get(), a.limit[at], state_.get(), &t, CV_ONE_STEP);
      base::ensure(flag != CV_ILL_INPUT && flag != CV_MEM_NULL, "SUNDIALS refused its input");
      const bool rate_failed = flag == CV_REPTD_RHSFUNC_ERR || flag == CV_FIRST_RHSFUNC_ERR ||
                               flag == CV_UNREC_RHSFUNC_ERR || flag == CV_RHSFUNC_FAIL;
      if (flag < 0) {
        error =
            rate_failed ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
        dt = 0;
      } else {
        dt = t - a.t[at];
        if (dt == 0) error = std::numeric_limits<double>::infinity();
        const double* const y = N_VGetArrayPointer(state_.get());
        for (Index i = 0; i < a.x.rows; ++i) a.x_new.column(column_)[i] = static_cast<Real>(y[i]);
      }
    }
    flow.drive(a.x_new, a.d_new);
  }

  std::vector<compute::View<const Real>> dense_output(const Attempt<Real>&) const override { return {}; }

  void interpolate(std::span<const compute::View<const Real>>, Index, const Moment& moment,
                   Real* x) const override {
    const Vector y(N_VNew_Serial(rows_, context_));
    check(CVodeGetDky(memory_.get(), moment.t + moment.theta * moment.dt, 0, y.get()), "CVodeGetDky");
    for (Index i = 0; i < rows_; ++i) x[i] = static_cast<Real>(N_VGetArrayPointer(y.get())[i]);
  }

 private:
  /// dx/dt for SUNDIALS; 1, a failure that a smaller step may mend, when it is not finite.
  static int rate(realtype, N_Vector y, N_Vector dydt, void* self_pointer) {
    auto& self = *static_cast<Cvode*>(self_pointer);
    const Index rows = self.x_.rows();
    const double* const from = N_VGetArrayPointer(y);
    double* const to = N_VGetArrayPointer(dydt);
    Real* const x = self.x_.data() + self.column_ * rows;
    const Real* const d = self.d_.data() + self.column_ * rows;
    for (Index i = 0; i < rows; ++i) x[i] = static_cast<Real>(from[i]);
    self.flow_->drive(self.x_, self.d_);
    bool finite = true;
    for (Index i = 0; i < rows; ++i) {
      to[i] = (static_cast<double>(d[i]) - from[i]) / self.flow_->tau()[static_cast<std::size_t>(i)];
      finite = finite && std::isfinite(to[i]);
    }
    return finite ? 0 : 1;
  }

  Index rows_;
  double rtol_;
  double atol_;
  sundials::Context context_;
  Vector state_;
  Memory memory_;
  Solver solver_;
  Flow<Real>* flow_ = nullptr;
  Index column_ = 0;
  bool fresh_ = true;
  Array<Real> x_;
  Array<Real> d_;
};

}  // namespace

template <class Real>
std::unique_ptr<Integrator<Real>> make_cvode(const Flow<Real>& flow, double rtol, double atol) {
  return std::make_unique<Cvode<Real>>(flow.rows(), rtol, atol);
}

template std::unique_ptr<Integrator<float>> make_cvode<float>(const Flow<float>&, double, double);
template std::unique_ptr<Integrator<double>> make_cvode<double>(const Flow<double>&, double, double);

}  // namespace ecphory::dynamics
