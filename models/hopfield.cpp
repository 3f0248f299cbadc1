// Continuous Hopfield network.
// Hopfield (1984), "Neurons with graded response have collective computational properties like those of
// two-state neurons", PNAS 81:3088.
//
//     τ du/dt = W g(u) − u + I,   g(u) = tanh(κu),   W = Ξ Ξᵀ / N
//
// The diagonal of W is kept (the paper's is zero: it adds M/N to every neuron's own weight). W is never
// formed: h = Ξᵀ g/√N is an instantaneous quadratic layer, which costs 4NM instead of 2N² operations.

#include "ecphory/models/memories.hpp"

namespace ecphory::models {
namespace {

struct HopfieldParameters {
  double gain = 4.0;
  double tau = 10.0;
};

const base::ParameterTable<HopfieldParameters>& table() {
  using P = HopfieldParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("gain", &P::gain, "1", "steepness kappa of tanh; typically 1 to 10", base::above(0))
          .add("tau", &P::tau, "ms", "time constant of the visible layer", base::above(0));
  return table;
}

}  // namespace

Memory hopfield() {
  return {.model = {.name = "hopfield",
                    .title = "Continuous Hopfield network",
                    .equation = "tau du/dt = W g(u) - u + I,   g(u) = tanh(kappa u),   W = Xi Xi^T / N\n"
                                "E = sum_i [u_i g_i - log cosh(kappa u_i) / kappa] - g^T W g / 2 - I.g",
                    .source = "Hopfield (1984), PNAS 81:3088",
                    .parameters = table().parameters()},
          .build = [](const base::Point& point, const Eigen::MatrixXd& patterns, const base::RandomKey&) {
            const HopfieldParameters p = table().read(point);
            dynamics::Network<double> network;
            const auto u = network.add_layer({.name = "visible",
                                              .neurons = patterns.rows(),
                                              .lagrangian = dynamics::Tanh{p.gain},
                                              .tau = p.tau});
            const auto h = network.add_layer({.name = "hidden", .neurons = patterns.cols(), .tau = 0});
            network.add_synapse(dynamics::Symmetric<double>{
                u, h, dynamics::weights<double>(patterns / std::sqrt(static_cast<double>(patterns.rows())))});
            return network;
          }};
}

}  // namespace ecphory::models
