// Dense associative memory with a polynomial separation.
// Krotov & Hopfield (2016), "Dense associative memory for pattern recognition", arXiv 1606.01164; as a system
// in time: Krotov & Hopfield (2021), arXiv 2008.06996, model A.
//
//     τ dv/dt = s Ξ f(h) − v,   h = s Ξᵀ g(v),   g(v) = tanh(κv),   f(h) = relu(h)^{n−1}
//
// s = N^{−(n−1)/n}, so that a stored pattern of ±1 drives every neuron with its own element, whatever n.

#include <cmath>

#include "ecphory/models/memories.hpp"

namespace ecphory::models {
namespace {

struct DenseParameters {
  std::int64_t degree = 3;
  double gain = 4.0;
  double tau = 10.0;
};

const base::ParameterTable<DenseParameters>& table() {
  using P = DenseParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("degree", &P::degree, "1", "power n of the energy; capacity grows as N^(n-1)",
               base::between(2, 30))
          .add("gain", &P::gain, "1", "steepness kappa of tanh; typically 1 to 10", base::above(0))
          .add("tau", &P::tau, "ms", "time constant of the visible layer", base::above(0));
  return table;
}

}  // namespace

Memory dense() {
  return {
      .model = {.name = "dense",
                .title = "Dense associative memory, polynomial separation",
                .equation = "tau dv/dt = s Xi f(h) - v,   h = s Xi^T tanh(kappa v),   f(h) = relu(h)^(n-1)\n"
                            "s = N^(-(n-1)/n)",
                .source = "Krotov & Hopfield (2016), arXiv 1606.01164; (2021), arXiv 2008.06996, model A",
                .parameters = table().parameters()},
      .build = [](const base::Point& point, const Eigen::MatrixXd& patterns, const base::RandomKey&) {
        const DenseParameters p = table().read(point);
        const auto n = static_cast<double>(p.degree);
        const double scale = std::pow(static_cast<double>(patterns.rows()), -(n - 1) / n);
        dynamics::Network<double> network;
        const auto v = network.add_layer({.name = "visible",
                                          .neurons = patterns.rows(),
                                          .lagrangian = dynamics::Tanh{p.gain},
                                          .tau = p.tau});
        const auto h = network.add_layer({.name = "hidden",
                                          .neurons = patterns.cols(),
                                          .lagrangian = dynamics::RectifiedPower{static_cast<int>(p.degree)},
                                          .tau = 0});
        network.add_synapse(dynamics::Symmetric<double>{v, h, dynamics::weights<double>(scale * patterns)});
        return network;
      }};
}

}  // namespace ecphory::models
