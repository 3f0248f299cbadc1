// Sequences of patterns by asymmetric connections, with and without a slow current.
// Sompolinsky & Kanter (1986), PRL 57:2861; Kleinfeld (1986), PNAS 83:9469; Chaudhry, Zavatone-Veth, Krotov &
// Pehlevan (2023), "Long sequence Hopfield memory", arXiv 2306.04532: SeqNet (degree 1), DenseNet, MixedNet.
//
//     drive = Σ_μ ξ^{μ+1} f(m_μ)                                   m_μ = ξ^μ·s/N
//     mixed:  Σ_μ ξ^μ f(m_μ) + λ Σ_μ ξ^{μ+1} f(m̄_μ)                m̄_μ = ξ^μ·s̄/N
//     f(m) = m^d, or softmax(N m) for the exponential one
//
// In discrete steps (integrator.method = "synchronous") s ← sgn(drive); in continuous time τ dx/dt = drive −
// x, s = tanh(κx) or sgn(x). s̄ is the mean over s and a chain of `stages` − 1 layers, z_1 behind s, z_{k+1}
// behind z_k, each with the time constant tau_slow/stages: in discrete steps the mean of the last `stages`
// states, in continuous time a delay line of low-pass filters. The overlaps keep the neuron's own term, which
// the paper leaves out; its exponential f is not normalised.

#include <array>
#include <cmath>

#include <fmt/format.h>

#include "ecphory/models/memories.hpp"
#include "ecphory/models/neuron.hpp"

namespace ecphory::models {

enum class SequenceSeparation { polynomial, exponential };

static std::span<const std::string_view> names(SequenceSeparation) {
  static constexpr std::array<std::string_view, 2> kNames = {"polynomial", "exponential"};
  return kNames;
}

namespace {

using Eigen::Index;
using Eigen::MatrixXd;

struct SequenceParameters {
  SequenceSeparation separation = SequenceSeparation::polynomial;
  std::int64_t degree = 2;
  bool cyclic = true;
  bool mixed = false;
  double strength = 2.5;
  std::int64_t stages = 5;
  double tau_slow = 50.0;
  Neuron neuron = Neuron::graded;
  double gain = 4.0;
  double tau = 10.0;
};

const base::ParameterTable<SequenceParameters>& table() {
  using P = SequenceParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("separation", &P::separation, "1", "how overlaps are weighed: f(m) = m^d or softmax(N m)")
          .add("exponent", &P::degree, "1", "d of f(m) = m^d; 1 is the linear network", base::between(1, 100))
          .when("model.separation == \"polynomial\"")
          .add("cyclic", &P::cyclic, "1", "the last pattern leads to the first; else to silence")
          .add("mixed", &P::mixed, "1",
               "patterns hold themselves, and a slow current leads to the next (MixedNet)")
          .add("strength", &P::strength, "1", "lambda, of the slow current", base::at_least(0))
          .when("model.mixed")
          .add("stages", &P::stages, "1",
               "states that the slow current averages: that of the visible neurons, and of a delay line "
               "behind them",
               base::between(1, 1000))
          .when("model.mixed")
          .add("tau_slow", &P::tau_slow, "ms", "time constant of the delay line; each stage has its share",
               base::above(0))
          .when("model.mixed")
          .add("neuron", &P::neuron, "1", "output of a visible neuron: tanh(kappa v) or sgn(v)")
          .add("gain", &P::gain, "1", "steepness kappa of tanh; typically 1 to 10", base::above(0))
          .when("model.neuron == \"graded\"")
          .add("tau", &P::tau, "ms", "time constant of the visible layer", base::above(0));
  return table;
}

/// f of overlaps ξ·s/N.
dynamics::Lagrangian separation_of(const SequenceParameters& p, Index neurons) {
  if (p.separation == SequenceSeparation::exponential)
    return dynamics::LogSumExp{static_cast<double>(neurons)};
  return dynamics::Power{static_cast<int>(p.degree) + 1};
}

dynamics::Network<double> build(const base::Point& point, const MatrixXd& patterns, const base::RandomKey&) {
  const SequenceParameters p = table().read(point);
  const Index n = patterns.rows();
  const Index count = patterns.cols();
  MatrixXd next = MatrixXd::Zero(n, count);
  next.leftCols(count - 1) = patterns.rightCols(count - 1);
  if (p.cyclic) next.col(count - 1) = patterns.col(0);
  const auto keys = dynamics::weights<double>(patterns / static_cast<double>(n));

  dynamics::Network<double> network;
  const auto s = network.add_layer(
      {.name = "visible", .neurons = n, .lagrangian = lagrangian_of(p.neuron, p.gain), .tau = p.tau});
  auto seen = s;
  if (p.mixed) {
    const auto held = network.add_layer(
        {.name = "overlaps", .neurons = count, .lagrangian = separation_of(p, n), .tau = 0});
    network.add_synapse(dynamics::KeyValue<double>{s, held, s, keys, dynamics::weights<double>(patterns)});
    seen = network.add_layer({.name = "mean of the past", .neurons = n, .tau = 0});
    const double share = 1 / static_cast<double>(p.stages);
    network.add_synapse(dynamics::Relay<double>{s, seen, share});
    auto before = s;
    for (std::int64_t k = 1; k < p.stages; ++k) {
      const auto stage = network.add_layer({.name = fmt::format("stage {}", k),
                                            .neurons = n,
                                            .tau = p.tau_slow / static_cast<double>(p.stages)});
      network.add_synapse(dynamics::Relay<double>{before, stage, 1});
      network.add_synapse(dynamics::Relay<double>{stage, seen, share});
      before = stage;
    }
  }
  const auto leading = network.add_layer(
      {.name = "slow overlaps", .neurons = count, .lagrangian = separation_of(p, n), .tau = 0});
  const double strength = p.mixed ? p.strength : 1.0;
  network.add_synapse(
      dynamics::KeyValue<double>{seen, leading, s, keys, dynamics::weights<double>(strength * next)});
  return network;
}

}  // namespace

Memory sequence() {
  return {
      .model = {.name = "sequence",
                .title = "Sequences of patterns by asymmetric connections",
                .equation = "drive = sum_mu xi_{mu+1} f(m_mu),   or, mixed,  sum_mu xi_mu f(m_mu) + lambda "
                            "sum_mu xi_{mu+1} f(M_mu)\n"
                            "m = Xi^T s / N,   M = Xi^T <s> / N with <s> the mean of a delay line\n"
                            "s <- sgn(drive), or tau dx/dt = drive - x with s = tanh(kappa x) or sgn(x)",
                .source =
                    "Chaudhry et al. (2023), arXiv 2306.04532; Sompolinsky & Kanter (1986); Kleinfeld (1986)",
                .parameters = table().parameters()},
      .build = build};
}

}  // namespace ecphory::models
