// Hierarchical associative memory: a stack of layers.
// Krotov (2021), "Hierarchical associative memory", arXiv 2107.06446; the weights between code layers are
// those of a bidirectional associative memory (Kosko 1988).
//
//     τ_ℓ dx_ℓ/dt = −x_ℓ + W_ℓ g_{ℓ+1} + W_{ℓ−1}ᵀ g_{ℓ−1},   W_ℓ = Ξ_ℓ Ξ_{ℓ+1}ᵀ / √(N_ℓ N_{ℓ+1})
//
// Layer 0 is the visible one with the patterns Ξ_0; every other layer has a random code of ±1 for each
// pattern, drawn from the random key (the paper's weights are learned). The Lagrangian of the code layers is
// tanh, or the layer norm of HAMUX, and the top layer may be a softmax over one neuron for each pattern,
// whose weights are the codes below it.

#include <array>
#include <cmath>

#include <fmt/format.h>

#include "ecphory/models/memories.hpp"

namespace ecphory::models {

enum class CodeNeurons { tanh, layer_norm };
enum class TopLayer { codes, softmax };

static std::span<const std::string_view> names(CodeNeurons) {
  static constexpr std::array<std::string_view, 2> kNames = {"tanh", "layer_norm"};
  return kNames;
}
static std::span<const std::string_view> names(TopLayer) {
  static constexpr std::array<std::string_view, 2> kNames = {"codes", "softmax"};
  return kNames;
}

namespace {

using Eigen::Index;
using Eigen::MatrixXd;

struct HierarchicalParameters {
  std::int64_t layers = 2;
  std::int64_t code_neurons = 100;
  CodeNeurons code = CodeNeurons::tanh;
  TopLayer top = TopLayer::codes;
  double beta = 20.0;
  double gain = 4.0;
  double tau = 10.0;
  double tau_hidden = 1.0;
};

const base::ParameterTable<HierarchicalParameters>& table() {
  using P = HierarchicalParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("layers", &P::layers, "1", "code layers above the visible one", base::between(1, 100))
          .add("code_neurons", &P::code_neurons, "1", "neurons of each", base::between(2, 1e6))
          .add("code", &P::code, "1", "Lagrangian of the code layers")
          .add("top", &P::top, "1",
               "the top layer: one more of them, or a softmax with one neuron for each pattern")
          .add("beta", &P::beta, "1", "inverse temperature of the softmax",
               {.low = 0, .high = 1e30, .low_excluded = true})
          .when("model.top == \"softmax\"")
          .add("gain", &P::gain, "1", "steepness kappa of tanh; typically 1 to 10", base::above(0))
          .add("tau", &P::tau, "ms", "time constant of the visible layer", base::above(0))
          .add("tau_hidden", &P::tau_hidden, "ms",
               "time constant of the memory neurons; 0 is the adiabatic limit", base::at_least(0));
  return table;
}

MatrixXd draw_codes(Index neurons, Index patterns, std::uint32_t layer, const base::RandomKey& key) {
  MatrixXd codes(neurons, patterns);
  base::RandomStream(key, base::Purpose("hierarchical.codes"), layer)
      .normals(0, std::span(codes.data(), static_cast<std::size_t>(codes.size())));
  return codes.unaryExpr([](double x) { return x < 0 ? -1.0 : 1.0; });
}

dynamics::Network<double> build(const base::Point& point, const MatrixXd& patterns,
                                const base::RandomKey& key) {
  const HierarchicalParameters p = table().read(point);
  if (p.tau_hidden == 0 && p.layers > 1) {
    throw base::UserError({.key = "model.tau_hidden",
                           .problem = "instantaneous layers that drive one another form a circle",
                           .expected = "a number > 0, or one code layer",
                           .remedy = "use a small time constant"});
  }
  dynamics::Network<double> network;
  auto below = network.add_layer(
      {.name = "visible", .neurons = patterns.rows(), .lagrangian = dynamics::Tanh{p.gain}, .tau = p.tau});
  MatrixXd codes_below = patterns;
  for (std::int64_t k = 1; k <= p.layers; ++k) {
    const bool softmax = k == p.layers && p.top == TopLayer::softmax;
    const Index neurons = softmax ? patterns.cols() : p.code_neurons;
    dynamics::Lagrangian lagrangian = dynamics::Tanh{p.gain};
    if (p.code == CodeNeurons::layer_norm) lagrangian = dynamics::LayerNorm{};
    if (softmax) lagrangian = dynamics::LogSumExp{p.beta};
    const auto layer = network.add_layer({.name = fmt::format("layer {}", k),
                                          .neurons = neurons,
                                          .lagrangian = lagrangian,
                                          .tau = p.tau_hidden});
    const MatrixXd codes = softmax ? MatrixXd(MatrixXd::Identity(neurons, neurons))
                                   : draw_codes(neurons, patterns.cols(), static_cast<std::uint32_t>(k), key);
    const auto n_below = static_cast<double>(codes_below.rows());
    const double scale = softmax ? 1.0 : 1 / std::sqrt(n_below * static_cast<double>(neurons));
    network.add_synapse(dynamics::Symmetric<double>{
        below, layer, dynamics::weights<double>(scale * codes_below * codes.transpose())});
    below = layer;
    codes_below = codes;
  }
  return network;
}

}  // namespace

Memory hierarchical() {
  return {
      .model = {.name = "hierarchical",
                .title = "Hierarchical associative memory: a stack of layers",
                .equation = "tau_l dx_l/dt = -x_l + W_l g_{l+1} + W_{l-1}^T g_{l-1}\n"
                            "W_l = Xi_l Xi_{l+1}^T / sqrt(N_l N_{l+1}) of the patterns' codes in both layers",
                .source = "Krotov (2021), arXiv 2107.06446; Kosko (1988)",
                .parameters = table().parameters()},
      .build = build};
}

}  // namespace ecphory::models
