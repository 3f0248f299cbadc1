// Input-driven plasticity.
// Betteti, Baggio, Bullo & Zampieri (2025), "Input-driven dynamics for robust memory retrieval in Hopfield
// networks", Science Advances 11, arXiv 2411.05849.
//
//     τ dx/dt = −x + W(u) g(x),   g(x) = tanh(κx),   W(u) = Σ_μ α_μ ξ_μξ_μᵀ / N
//     τ_α da_μ/dt = −a_μ + ξ_μ·u / N,   α = f(a)
//
// The cue is no initial state but a current u that stays: it makes the weights, and the saliency α_μ of a
// pattern is its overlap with the cue. With τ_α = 0 and f(a) = a, which is the paper, and orthogonal
// patterns, x = c ξ_μ is a fixed point where c = α_μ tanh(κc), so c ≠ 0 exists if and only if κ α_μ > 1; the
// energy of constant u,
//     E = Σ_i [x_i g_i − log cosh(κx_i)/κ] − ½ gᵀ W(u) g,
// is lowest at the pattern with the largest saliency. Noise in x lowers the slope that tanh has on average,
// and so takes away the other wells. The network that is built has gates, which have no energy.
//
// Beyond the paper: saliencies with a time constant, rectified, or raised to a power. The diagonal of W is
// kept (the released code's is zero). The released code has κ = 10 and τ = 1, and starts from x ~ N(0, 1).

#include "ecphory/dynamics/synapses/gate.hpp"
#include "ecphory/models/memories.hpp"

namespace ecphory::models {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

struct InputDrivenParameters {
  double gain = 4.0;
  std::int64_t exponent = 1;
  bool rectified = false;
  double tau = 10.0;
  double tau_saliency = 0.0;
};

const base::ParameterTable<InputDrivenParameters>& table() {
  using P = InputDrivenParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("gain", &P::gain, "1", "steepness kappa of tanh; typically 1 to 10", base::above(0))
          .add("saliency_exponent", &P::exponent, "1", "a saliency is the overlap with the cue to this power",
               base::between(1, 29))
          .add("saliency_rectified", &P::rectified, "1", "negative overlaps with the cue count as 0")
          .add("tau", &P::tau, "ms", "time constant of the visible layer", base::above(0))
          .add("tau_saliency", &P::tau_saliency, "ms", "time constant of the saliencies; 0 is the paper",
               base::at_least(0));
  return table;
}

constexpr const char* kSaliency = "saliency";

dynamics::Network<double> build(const base::Point& point, const MatrixXd& patterns, const base::RandomKey&) {
  const InputDrivenParameters p = table().read(point);
  const int degree = static_cast<int>(p.exponent) + 1;
  const dynamics::Lagrangian f = p.rectified ? dynamics::Lagrangian(dynamics::RectifiedPower{degree})
                                             : dynamics::Lagrangian(dynamics::Power{degree});
  const Index m = patterns.cols();
  const dynamics::Weights<double> w =
      dynamics::weights<double>(patterns / std::sqrt(static_cast<double>(patterns.rows())));
  dynamics::Network<double> network;
  const auto x = network.add_layer(
      {.name = "visible", .neurons = patterns.rows(), .lagrangian = dynamics::Tanh{p.gain}, .tau = p.tau});
  const auto overlap = network.add_layer({.name = "overlap", .neurons = m, .tau = 0});
  const auto alpha = network.add_layer({.name = kSaliency,
                                        .neurons = m,
                                        .lagrangian = f,
                                        .tau = p.tau_saliency,
                                        .input = dynamics::constant_current<double>(MatrixXd::Zero(m, 1))});
  const auto gated = network.add_layer({.name = "gated", .neurons = m, .tau = 0});
  network.add_synapse(
      dynamics::Asymmetric<double>{x, overlap, dynamics::weights<double>(w->matrix().transpose())});
  network.add_synapse(std::make_shared<const dynamics::Gate<double>>(overlap, alpha, gated));
  network.add_synapse(dynamics::Asymmetric<double>{gated, x, w});
  return network;
}

void present(dynamics::Network<double>& network, const MatrixXd& patterns, const MatrixXd& cues) {
  network.set_input(
      network.find(kSaliency),
      dynamics::constant_current<double>(patterns.transpose() * cues / static_cast<double>(patterns.rows())));
}

}  // namespace

Memory input_driven() {
  return {
      .model = {.name = "input_driven",
                .title = "Input-driven plasticity: the cue makes the weights",
                .equation = "tau dx/dt = -x + sum_mu f(a_mu) xi_mu xi_mu^T g(x) / N,   g(x) = tanh(kappa x)\n"
                            "tau_saliency da_mu/dt = -a_mu + xi_mu.u / N,   f(a) = a^saliency_exponent\n"
                            "u is the cue, a current that stays",
                .source = "Betteti, Baggio, Bullo & Zampieri (2025), arXiv 2411.05849",
                .parameters = table().parameters()},
      .build = build,
      .present = present};
}

}  // namespace ecphory::models
