// Hopfield network of binary neurons.
// Hopfield (1982), "Neural networks and physical systems with emergent collective computational abilities",
// PNAS 79:2554.
//
//     s_i ← sgn(Σ_j W_ij s_j + I_i),   W_ii = 0
//
// one neuron at a time in random order (integrator.method = "asynchronous", the energy never rises), all at
// once
// ("synchronous", Little 1974, which may alternate between two states), or in continuous time, τ dx/dt = W
// sgn(x) − x (any other method). With integrator.temperature: Glauber's dynamics, whose critical temperature
// without load is 1 for Hebb's rule. Patterns are of ±1.

#include "ecphory/models/learning_rules.hpp"
#include "ecphory/models/memories.hpp"

namespace ecphory::models {
namespace {

struct BinaryHopfieldParameters {
  LearningRule rule = LearningRule::hebb;
  bool self_coupling = false;
  double tau = 10.0;
};

const base::ParameterTable<BinaryHopfieldParameters>& table() {
  using P = BinaryHopfieldParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("rule", &P::rule, "1", "how the weights store the patterns")
          .add("self_coupling", &P::self_coupling, "1", "keep the diagonal of the weights")
          .add("tau", &P::tau, "ms", "time constant of the visible layer", base::above(0));
  return table;
}

}  // namespace

Memory binary_hopfield() {
  return {
      .model = {.name = "binary_hopfield",
                .title = "Hopfield network of binary neurons",
                .equation = "s_i <- sgn(sum_j W_ij s_j + I_i)\n"
                            "E = -s^T W s / 2 - I.s",
                .source = "Hopfield (1982), PNAS 79:2554; Personnaz et al. (1985); Storkey (1997)",
                .parameters = table().parameters()},
      .build = [](const base::Point& point, const Eigen::MatrixXd& patterns, const base::RandomKey&) {
        const BinaryHopfieldParameters p = table().read(point);
        dynamics::Network<double> network;
        const auto s = network.add_layer(
            {.name = "visible", .neurons = patterns.rows(), .lagrangian = dynamics::Sign{}, .tau = p.tau});
        network.add_synapse(dynamics::Symmetric<double>{
            s, s, dynamics::weights<double>(learned_weights(p.rule, patterns, p.self_coupling))});
        return network;
      }};
}

}  // namespace ecphory::models
