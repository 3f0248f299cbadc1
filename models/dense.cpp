// Dense associative memory with a polynomial separation.
// Krotov & Hopfield (2016), "Dense associative memory for pattern recognition", arXiv 1606.01164; as a system
// in time: Krotov & Hopfield (2021), arXiv 2008.06996, model A.
//
//     τ dv/dt = s Ξ f(h) − v,   h = s Ξᵀ g(v),   f(h) = relu(h)^{n−1} or h^{n−1}
//
// with g(v) = tanh(κv), or binary neurons sgn(v) that flip one by one where that lowers E = −Σ F(h), F(h) =
// relu(h)ⁿ/n or hⁿ/n. s = N^{−(n−1)/n}, so that a stored pattern of ±1 drives every neuron with its own
// element, whatever n. Without rectification and with n = 2 it is the Hopfield network.

#include <cmath>

#include "ecphory/models/memories.hpp"
#include "ecphory/models/neuron.hpp"

namespace ecphory::models {
namespace {

struct DenseParameters {
  std::int64_t degree = 3;
  bool rectified = true;
  Neuron neuron = Neuron::graded;
  double gain = 4.0;
  double tau = 10.0;
};

const base::ParameterTable<DenseParameters>& table() {
  using P = DenseParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("degree", &P::degree, "1", "power n of the energy; capacity grows as N^(n-1)",
               base::between(2, 30))
          .add("rectified", &P::rectified, "1",
               "whether overlaps below 0 count as 0: F(h) = relu(h)^n / n, or h^n / n")
          .add("neuron", &P::neuron, "1", "output of a visible neuron: tanh(kappa v) or sgn(v)")
          .add("gain", &P::gain, "1", "steepness kappa of tanh; typically 1 to 10", base::above(0))
          .when("model.neuron == \"graded\"")
          .add("tau", &P::tau, "ms", "time constant of the visible layer", base::above(0));
  return table;
}

dynamics::Network<double> build(const base::Point& point, const Eigen::MatrixXd& patterns,
                                const base::RandomKey&) {
  const DenseParameters p = table().read(point);
  const auto degree = static_cast<int>(p.degree);
  const auto n = static_cast<double>(p.degree);
  const double scale = std::pow(static_cast<double>(patterns.rows()), -(n - 1) / n);
  dynamics::Network<double> network;
  const auto v = network.add_layer({.name = "visible",
                                    .neurons = patterns.rows(),
                                    .lagrangian = lagrangian_of(p.neuron, p.gain),
                                    .tau = p.tau});
  const auto h =
      network.add_layer({.name = "hidden",
                         .neurons = patterns.cols(),
                         .lagrangian = p.rectified ? dynamics::Lagrangian(dynamics::RectifiedPower{degree})
                                                   : dynamics::Lagrangian(dynamics::Power{degree}),
                         .tau = 0});
  network.add_synapse(dynamics::Symmetric<double>{v, h, dynamics::weights<double>(scale * patterns)});
  return network;
}

}  // namespace

Memory dense() {
  return {.model = {.name = "dense",
                    .title = "Dense associative memory, polynomial separation",
                    .equation =
                        "tau dv/dt = s Xi f(h) - v,   h = s Xi^T g(v),   f(h) = relu(h)^(n-1) or h^(n-1)\n"
                        "g(v) = tanh(kappa v) or sgn(v),   s = N^(-(n-1)/n)",
                    .source = "Krotov & Hopfield (2016), arXiv 1606.01164; (2021), arXiv 2008.06996, model A",
                    .parameters = table().parameters()},
          .build = build};
}

}  // namespace ecphory::models
