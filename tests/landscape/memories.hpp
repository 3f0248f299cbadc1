#pragma once
// Memories whose fixed points are known in closed form.

#include "dynamics/networks.hpp"

namespace ecphory::tests {

/// The retrieval form τ v̇ = Ξ softmax(β Ξᵀ v) − v.
inline dynamics::Network<double> retrieval(const Eigen::MatrixXd& patterns, double beta, double tau = 10) {
  dynamics::Network<double> network;
  const auto v = network.add_layer({.name = "v", .neurons = patterns.rows(), .tau = tau});
  const auto h = network.add_layer(
      {.name = "h", .neurons = patterns.cols(), .lagrangian = dynamics::LogSumExp{beta}, .tau = 0});
  network.add_synapse(dynamics::Symmetric<double>{v, h, dynamics::weights<double>(patterns)});
  return network;
}

/// Hopfield (1984): τ u̇ = Ξ Ξᵀ tanh(κu) / N − u.
inline dynamics::Network<double> graded(const Eigen::MatrixXd& patterns, double gain, double tau = 10) {
  dynamics::Network<double> network;
  const auto u = network.add_layer(
      {.name = "u", .neurons = patterns.rows(), .lagrangian = dynamics::Tanh{gain}, .tau = tau});
  const Eigen::MatrixXd w = patterns * patterns.transpose() / static_cast<double>(patterns.rows());
  network.add_synapse(dynamics::Symmetric<double>{u, u, dynamics::weights<double>(w)});
  return network;
}

/// Orthonormal patterns.
inline Eigen::MatrixXd orthonormal(Eigen::Index n, Eigen::Index m) { return Eigen::MatrixXd::Identity(n, m); }

/// Orthogonal patterns of ±1, (8, 3), in which every combination of signs occurs once.
inline Eigen::MatrixXd signs() {
  Eigen::MatrixXd xi(8, 3);
  for (Eigen::Index i = 0; i < 8; ++i) {
    for (Eigen::Index mu = 0; mu < 3; ++mu) xi(i, mu) = ((i >> mu) & 1) != 0 ? 1 : -1;
  }
  return xi;
}

/// The root of increasing f in [low, high], by bisection to rounding.
template <class Function>
double root(const Function& f, double low, double high) {
  for (int i = 0; i < 200; ++i) (f(0.5 * (low + high)) < 0 ? low : high) = 0.5 * (low + high);
  return 0.5 * (low + high);
}

}  // namespace ecphory::tests
