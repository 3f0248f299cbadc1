#pragma once
// Networks that several tests use.

#include "ecphory/base/random.hpp"
#include "ecphory/dynamics/network.hpp"

namespace ecphory::tests {

inline Eigen::MatrixXd normals(Eigen::Index rows, Eigen::Index columns, std::uint64_t seed) {
  Eigen::MatrixXd x(rows, columns);
  base::RandomStream({.seed = seed}, base::Purpose("test networks"))
      .normals(0, std::span(x.data(), static_cast<std::size_t>(x.size())));
  return x;
}

/// Model B: τ_f v̇ = Ξ softmax(βh) − v + I, τ_h ḣ = Ξᵀv − h (τ_h = 0: the retrieval form), patterns N(0, 1/N).
template <class Real = double>
dynamics::Network<Real> model_b(Eigen::Index n, Eigen::Index m, double beta, double tau_f, double tau_h,
                                dynamics::Input<Real> current = {}, dynamics::Noise noise = {}) {
  dynamics::Network<Real> network;
  const auto v = network.add_layer(
      {.name = "v", .neurons = n, .tau = tau_f, .input = std::move(current), .noise = noise});
  const auto h =
      network.add_layer({.name = "h", .neurons = m, .lagrangian = dynamics::LogSumExp{beta}, .tau = tau_h});
  const Eigen::MatrixXd xi = normals(n, m, 11) / std::sqrt(static_cast<double>(n));
  network.add_synapse(dynamics::Symmetric<Real>{v, h, dynamics::weights<Real>(xi.cast<Real>())});
  return network;
}

}  // namespace ecphory::tests
