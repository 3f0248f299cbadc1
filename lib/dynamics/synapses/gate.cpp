#include "ecphory/dynamics/synapses/gate.hpp"

#include <cmath>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"

namespace ecphory::dynamics {

using compute::Index;

template <class Real>
void Gate<Real>::check(std::span<const Index> neurons, std::span<const Index> driven) const {
  if (neurons[0] == neurons[1] && neurons[0] == driven[0] && std::isfinite(gain_)) return;
  throw base::UserError(
      {.key = "gate",
       .problem = fmt::format("{} neurons gate {} that lead to {}", neurons[0], neurons[1], driven[0]),
       .expected = "equal numbers and a finite gain"});
}

template <class Real>
void Gate<Real>::add_energy(std::span<const ConstView>, Ids, View) const {
  throw base::Bug("a gate has no energy");
}

template <class Real>
void Gate<Real>::add_drive(std::span<const ConstView> g, Ids, std::size_t, View d) const {
  d.matrix() += gain_ * g[0].matrix().cwiseProduct(g[1].matrix());
}

template <class Real>
void Gate<Real>::add_drive_tangent(std::span<const ConstView> g, std::span<const ConstView> u, Ids,
                                   std::size_t, View d) const {
  d.matrix() +=
      gain_ * (u[0].matrix().cwiseProduct(g[1].matrix()) + g[0].matrix().cwiseProduct(u[1].matrix()));
}

template class Gate<float>;
template class Gate<double>;

}  // namespace ecphory::dynamics
