#include "ecphory/dynamics/lagrangian.hpp"

#include "ecphory/dynamics/cuda_operations.hpp"

namespace ecphory::dynamics {

using compute::View;

LagrangianTraits traits_of(const Lagrangian& lagrangian) {
  return std::visit(
      []<class L>(const L& l) {
        return LagrangianTraits{std::string(L::kName), std::string(L::kNullDirection), L::kBoundedOutput,
                                L::kElementwise, l.convex()};
      },
      lagrangian);
}

void validate(const Lagrangian& lagrangian) {
  std::visit([](const auto& l) { l.validate(); }, lagrangian);
}

bool runs_on_gpu(const Lagrangian& lagrangian) { return !std::holds_alternative<Entmax>(lagrangian); }

template <class Real>
void value(const Lagrangian& lagrangian, std::type_identity_t<View<const Real>> x,
           std::type_identity_t<View<Real>> l) {
  std::visit([&](const auto& kind) { kind.template value<Real>(x, l); }, lagrangian);
}

template <class Real>
void gradient(const Lagrangian& lagrangian, std::type_identity_t<View<const Real>> x,
              std::type_identity_t<View<Real>> g) {
  base::ensure(x.device == g.device, "a gradient is where its state is");
  if (x.device != compute::kCpu) return cuda::Operations<Real>::gradient(lagrangian, x, g);
  std::visit([&](const auto& kind) { kind.template gradient<Real>(x, g); }, lagrangian);
}

template <class Real>
void hessian_times(const Lagrangian& lagrangian, std::type_identity_t<View<const Real>> x,
                   std::type_identity_t<View<const Real>> u, std::type_identity_t<View<Real>> hu) {
  std::visit([&](const auto& kind) { kind.template hessian_times<Real>(x, u, hu); }, lagrangian);
}

template void value<float>(const Lagrangian&, View<const float>, View<float>);
template void value<double>(const Lagrangian&, View<const double>, View<double>);
template void gradient<float>(const Lagrangian&, View<const float>, View<float>);
template void gradient<double>(const Lagrangian&, View<const double>, View<double>);
template void hessian_times<float>(const Lagrangian&, View<const float>, View<const float>, View<float>);
template void hessian_times<double>(const Lagrangian&, View<const double>, View<const double>, View<double>);

}  // namespace ecphory::dynamics
