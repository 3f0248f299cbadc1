// Modern Hopfield network.
// Ramsauer et al. (2021), "Hopfield networks is all you need", arXiv 2008.02217; as a system in time: Krotov
// & Hopfield (2021), arXiv 2008.06996, model B with τ_h → 0.
//
//     τ dv/dt = Ξ softmax(β Ξᵀ v) − v
//
// A step without end is softmax attention with β = 1/√d. For patterns of length 1, β of 10 to 100 separates;
// for ±1, divide by N.

#include "ecphory/models/memories.hpp"

namespace ecphory::models {
namespace {

struct ModernParameters {
  double beta = 20.0;
  double tau = 10.0;
};

const base::ParameterTable<ModernParameters>& table() {
  using P = ModernParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("beta", &P::beta, "1", "inverse temperature of the softmax",
               {.low = 0, .high = 1e30, .low_excluded = true})
          .add("tau", &P::tau, "ms", "time constant of the visible layer", base::above(0));
  return table;
}

}  // namespace

Memory modern() {
  return {
      .model = {.name = "modern",
                .title = "Modern Hopfield network, log-sum-exp",
                .equation = "tau dv/dt = Xi softmax(beta Xi^T v) - v\n"
                            "E = |v|^2 / 2 - log(sum_mu exp(beta xi_mu.v)) / beta",
                .source =
                    "Ramsauer et al. (2021), arXiv 2008.02217; Krotov & Hopfield (2021), arXiv 2008.06996",
                .parameters = table().parameters()},
      .build = [](const base::Point& point, const Eigen::MatrixXd& patterns, const base::RandomKey&) {
        const ModernParameters p = table().read(point);
        dynamics::Network<double> network;
        const auto v = network.add_layer({.name = "visible", .neurons = patterns.rows(), .tau = p.tau});
        const auto h = network.add_layer({.name = "hidden",
                                          .neurons = patterns.cols(),
                                          .lagrangian = dynamics::LogSumExp{p.beta},
                                          .tau = 0});
        network.add_synapse(dynamics::Symmetric<double>{v, h, dynamics::weights<double>(patterns)});
        return network;
      }};
}

}  // namespace ecphory::models
