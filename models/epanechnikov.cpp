// Dense memory with an Epanechnikov kernel around each pattern.
// Hoover, Shi, Balasubramanian, Krotov & Ram (2025), "Dense associative memory with Epanechnikov energy",
// arXiv 2506.10801.
//
//     τ dv/dt = −∂E/∂v,   E = −β⁻¹ log(ε + Σ_μ relu(1 − β/2 ‖v − ξ_μ‖²))
//
// A pattern reaches as far as its support of radius √(2/β). Fixed points are the centroids of those patterns
// whose supports hold them: single patterns, which are retrieved exactly, and patterns that were never
// stored. From outside all supports nothing is retrieved: v stays. The paper descends in steps of a fixed
// size. ε is 0 there; it changes the speed alone, which without it would be infinite at the edge of a
// support. For patterns of length 1, β of 1 to 10; for ±1, divide by N.

#include "ecphory/dynamics/synapses/epanechnikov.hpp"

#include "ecphory/models/memories.hpp"

namespace ecphory::models {
namespace {

struct EpanechnikovParameters {
  double kernel_beta = 2.5;
  double kernel_epsilon = 0.01;
  double tau = 10.0;
};

const base::ParameterTable<EpanechnikovParameters>& table() {
  using P = EpanechnikovParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("kernel_beta", &P::kernel_beta, "1",
               "beta of the kernel: a pattern's support has the radius sqrt(2/beta)", base::above(0))
          .add("kernel_epsilon", &P::kernel_epsilon, "1",
               "limits the speed at the edge of a support to 1/epsilon; moves no fixed point", base::above(0))
          .add("tau", &P::tau, "ms", "time constant of the visible layer", base::above(0));
  return table;
}

}  // namespace

Memory epanechnikov() {
  return {.model = {.name = "epanechnikov",
                    .title = "Dense memory with Epanechnikov kernels, log-sum-ReLU",
                    .equation = "tau dv/dt = sum_{mu in B} (xi_mu - v) / (epsilon + sum_{mu in B} s_mu)\n"
                                "s_mu = 1 - beta |v - xi_mu|^2 / 2,   B = {mu: s_mu > 0}\n"
                                "E = -log(epsilon + sum_mu relu(s_mu)) / beta",
                    .source = "Hoover et al. (2025), arXiv 2506.10801",
                    .parameters = table().parameters()},
          .build = [](const base::Point& point, const Eigen::MatrixXd& patterns, const base::RandomKey&) {
            const EpanechnikovParameters p = table().read(point);
            dynamics::Network<double> network;
            const auto v = network.add_layer({.name = "visible", .neurons = patterns.rows(), .tau = p.tau});
            network.add_synapse(std::make_shared<const dynamics::Epanechnikov<double>>(
                v, dynamics::weights<double>(patterns), p.kernel_beta, p.kernel_epsilon));
            return network;
          }};
}

}  // namespace ecphory::models
