#include "ecphory/dynamics/integrators/integrator.hpp"

#include <array>

namespace ecphory::dynamics {

std::span<const std::string_view> names(Method) {
  static constexpr std::array<std::string_view, 10> kNames = {
      "euler", "runge_kutta_4",      "dormand_prince",    "exponential_euler", "exponential_runge_kutta",
      "cvode", "euler_maruyama_ito", "heun_stratonovich", "synchronous",       "asynchronous"};
  return kNames;
}

MethodTraits traits_of(Method method) {
  return {.adaptive = method == Method::dormand_prince || method == Method::cvode,
          .stochastic = method == Method::euler_maruyama_ito || method == Method::heun_stratonovich,
          .one_by_one = method == Method::cvode,
          .discrete = method == Method::synchronous || method == Method::asynchronous};
}

template <class Real>
std::unique_ptr<Integrator<Real>> make_integrator(const IntegratorOptions& options, const Flow<Real>& flow) {
  switch (options.method) {
    case Method::euler:
      return make_euler(flow);
    case Method::runge_kutta_4:
      return make_runge_kutta_4(flow);
    case Method::dormand_prince:
      return make_dormand_prince(flow, options.rtol, options.atol);
    case Method::exponential_euler:
      return make_exponential_euler(flow);
    case Method::exponential_runge_kutta:
      return make_exponential_runge_kutta(flow);
    case Method::cvode:
      return make_cvode(flow, options.rtol, options.atol);
    case Method::euler_maruyama_ito:
      return make_euler_maruyama(flow, options.key);
    case Method::heun_stratonovich:
      return make_heun(flow, options.key);
    case Method::synchronous:
      return make_synchronous(flow, options.temperature, options.key);
    case Method::asynchronous:
      return make_asynchronous(flow, options.temperature, options.key);
  }
  throw base::Bug("a method without an integrator");
}

template std::unique_ptr<Integrator<float>> make_integrator<float>(const IntegratorOptions&,
                                                                   const Flow<float>&);
template std::unique_ptr<Integrator<double>> make_integrator<double>(const IntegratorOptions&,
                                                                     const Flow<double>&);

}  // namespace ecphory::dynamics
