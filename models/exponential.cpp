// Dense associative memory with an exponential separation.
// Demircigil, Heusel, Löwe, Upgang & Vermet (2017), "On a model of associative memory with huge storage
// capacity", J. Stat. Phys. 168:288, arXiv 1702.01929.
//
//     τ dv/dt = Ξ softmax(β h) − v,   h = Ξᵀ g(v),   g(v) = tanh(κv) or sgn(v)
//
// The paper's energy −Σ_μ exp(ξ_μ·s) is taken by its logarithm, which has the same order of states: binary
// neurons that flip one by one flip as in the paper (β = 1), without its overflow at hundreds of neurons.

#include "ecphory/models/memories.hpp"
#include "ecphory/models/neuron.hpp"

namespace ecphory::models {
namespace {

struct ExponentialParameters {
  double beta = 1.0;
  Neuron neuron = Neuron::graded;
  double gain = 4.0;
  double tau = 10.0;
};

const base::ParameterTable<ExponentialParameters>& table() {
  using P = ExponentialParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("sharpness", &P::beta, "1", "factor beta of the exponent; the paper has 1",
               {.low = 0, .high = 1e30, .low_excluded = true})
          .add("neuron", &P::neuron, "1", "output of a visible neuron: tanh(kappa v) or sgn(v)")
          .add("gain", &P::gain, "1", "steepness kappa of tanh; typically 1 to 10", base::above(0))
          .when("model.neuron == \"graded\"")
          .add("tau", &P::tau, "ms", "time constant of the visible layer", base::above(0));
  return table;
}

}  // namespace

Memory exponential() {
  return {
      .model = {.name = "exponential",
                .title = "Dense associative memory, exponential separation",
                .equation = "tau dv/dt = Xi softmax(beta Xi^T g(v)) - v,   g(v) = tanh(kappa v) or sgn(v)\n"
                            "binary: s_i flips where that lowers E = -log(sum_mu exp(beta xi_mu.s)) / beta",
                .source = "Demircigil et al. (2017), arXiv 1702.01929",
                .parameters = table().parameters()},
      .build = [](const base::Point& point, const Eigen::MatrixXd& patterns, const base::RandomKey&) {
        const ExponentialParameters p = table().read(point);
        dynamics::Network<double> network;
        const auto v = network.add_layer({.name = "visible",
                                          .neurons = patterns.rows(),
                                          .lagrangian = lagrangian_of(p.neuron, p.gain),
                                          .tau = p.tau});
        const auto h = network.add_layer({.name = "hidden",
                                          .neurons = patterns.cols(),
                                          .lagrangian = dynamics::LogSumExp{p.beta},
                                          .tau = 0});
        network.add_synapse(dynamics::Symmetric<double>{v, h, dynamics::weights<double>(patterns)});
        return network;
      }};
}

}  // namespace ecphory::models
