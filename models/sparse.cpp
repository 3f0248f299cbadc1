// Sparse modern Hopfield network.
// Hu, Yang, Wu, Xu, Chen & Liu (2023), "On sparse modern Hopfield model", arXiv 2309.12673 (α = 2); Martins,
// Niculae & McNamee (2023), "Sparse modern Hopfield networks"; Santos et al. (2024), arXiv 2402.13725 (any
// α).
//
//     τ dv/dt = Ξ α-entmax(β Ξᵀ v) − v
//
// α = 1 is softmax, the modern Hopfield network; α = 2 is sparsemax, the projection on the simplex. For α > 1
// a pattern whose overlap is ahead of all others by more than 1/(β(α − 1)) is retrieved exactly, in one
// update.

#include "ecphory/models/memories.hpp"

namespace ecphory::models {
namespace {

struct SparseParameters {
  double beta = 20.0;
  double alpha = 2.0;
  double tau = 10.0;
};

const base::ParameterTable<SparseParameters>& table() {
  using P = SparseParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("beta", &P::beta, "1", "inverse temperature of the softmax",
               {.low = 0, .high = 1e30, .low_excluded = true})
          .add("alpha", &P::alpha, "1",
               "of alpha-entmax: 1 is softmax, 1.5 and 2 (sparsemax) are the usual sparse ones",
               base::between(1, 100))
          .add("tau", &P::tau, "ms", "time constant of the visible layer", base::above(0));
  return table;
}

}  // namespace

Memory sparse() {
  return {
      .model = {.name = "sparse",
                .title = "Sparse modern Hopfield network, alpha-entmax",
                .equation = "tau dv/dt = Xi entmax_alpha(beta Xi^T v) - v\n"
                            "E = |v|^2 / 2 - max_p [p.(beta Xi^T v) + H_alpha(p)] / beta,   H_alpha = sum(p "
                            "- p^alpha) / (alpha (alpha - 1))",
                .source =
                    "Hu et al. (2023), arXiv 2309.12673; Peters, Niculae & Martins (2019), arXiv 1905.05702",
                .parameters = table().parameters()},
      .build = [](const base::Point& point, const Eigen::MatrixXd& patterns, const base::RandomKey&) {
        const SparseParameters p = table().read(point);
        dynamics::Network<double> network;
        const auto v = network.add_layer({.name = "visible", .neurons = patterns.rows(), .tau = p.tau});
        const auto h = network.add_layer({.name = "hidden",
                                          .neurons = patterns.cols(),
                                          .lagrangian = dynamics::Entmax{.beta = p.beta, .alpha = p.alpha},
                                          .tau = 0});
        network.add_synapse(dynamics::Symmetric<double>{v, h, dynamics::weights<double>(patterns)});
        return network;
      }};
}

}  // namespace ecphory::models
