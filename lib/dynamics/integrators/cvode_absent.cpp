#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/integrators/integrator.hpp"

namespace ecphory::dynamics {

template <class Real>
std::unique_ptr<Integrator<Real>> make_cvode(const Flow<Real>&, double, double) {
  throw base::UserError({.problem = "this build of Ecphory has no SUNDIALS, and so no method cvode",
                         .remedy = "use dormand_prince, or install libsundials-dev and configure again"});
}

template std::unique_ptr<Integrator<float>> make_cvode<float>(const Flow<float>&, double, double);
template std::unique_ptr<Integrator<double>> make_cvode<double>(const Flow<double>&, double, double);

}  // namespace ecphory::dynamics
