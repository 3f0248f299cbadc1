// Energy Transformer: attention and a Hopfield module as one energy of tokens.
// Hoover, Liang, Pham, Panda, Strobelt, Chau, Zaki & Krotov (2023), "Energy Transformer", arXiv 2302.07253.
//
//     τ dx_A/dt = −∂(E_att + E_HN)/∂g_A
//     E_att = −β⁻¹ Σ_h Σ_C log Σ_{B≠C} exp(β K_hB·Q_hC),   K_hB = W^K_h g_B,   Q_hC = W^Q_h g_C
//     E_HN  = −½ Σ_B Σ_μ relu(ξ_μ·g_B)²
//     g_A   = (x_A − mean)/√(variance + 10⁻⁵) over the D elements of token A
//
// A pattern of N elements is `tokens` blocks of D = N/tokens. Where it departs from the paper, whose weights
// are trained on images: W^Q and W^K are drawn from N(0, 1/D), and the Hopfield module's memories are the
// blocks of all patterns, centred and scaled to length 1, so that a token that is one of them drives itself
// with its own g. The state leaks, −x_A, as those of all networks here: dE/dt ≤ 0 of the energy with the
// layer's own terms, Σ_A (x_A·g_A − L(x_A)), which the paper leaves out. As g does not change with the length
// of x, the directions in which x can rest are the paper's, and x stays within bounds. The layer norm has no
// gain and no bias. β = 1/√Y is the paper's; so are Y = 64 and 12 heads at D = 768.

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/synapses/attention.hpp"
#include "ecphory/dynamics/synapses/shared_memories.hpp"
#include "ecphory/models/memories.hpp"

namespace ecphory::models {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

struct EnergyTransformerParameters {
  std::int64_t tokens = 4;
  std::int64_t heads = 2;
  std::int64_t head_dimension = 16;
  double attention_beta = 0.0;
  bool self_attention = false;
  double tau = 10.0;
};

const base::ParameterTable<EnergyTransformerParameters>& table() {
  using P = EnergyTransformerParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("tokens", &P::tokens, "1", "blocks of a pattern; divides its elements", base::between(2, 1e5))
          .add("heads", &P::heads, "1", "attention heads", base::between(1, 1e4))
          .add("head_dimension", &P::head_dimension, "1", "elements Y of a key and a query",
               base::between(1, 1e5))
          .add("attention_beta", &P::attention_beta, "1",
               "inverse temperature of the attention; 0 is 1/sqrt(head_dimension)", {.low = 0, .high = 1e30})
          .add("self_attention", &P::self_attention, "1", "whether a token attends to itself as well")
          .add("tau", &P::tau, "ms", "time constant of the visible layer", base::above(0));
  return table;
}

/// The divisors of n nearest to k, in words; those > n/2 leave tokens of one element.
std::string nearest_divisors(Index n, Index k) {
  Index below = std::min(k, n / 2);
  while (below > 1 && n % below != 0) --below;
  Index above = k;
  while (above <= n / 2 && n % above != 0) ++above;
  std::string all;
  if (below > 1) all += fmt::format("{}", below);
  if (above <= n / 2) all += fmt::format("{}{}", all.empty() ? "" : " or ", above);
  return all;
}

Index check(const base::Point& point, Index neurons) {
  const Index tokens = table().read(point).tokens;
  if (neurons == 0) return 2 * tokens;
  if (neurons % tokens == 0 && neurons >= 2 * tokens) return neurons;
  const std::string divisors = nearest_divisors(neurons, tokens);
  throw base::UserError(
      {.key = "model.tokens",
       .problem = fmt::format("{} elements of a pattern are not {} tokens of one size of at least 2", neurons,
                              tokens),
       .expected = divisors.empty() ? std::string("patterns whose elements can be divided")
                                    : fmt::format("a divisor of {}: {}", neurons, divisors),
       .remedy = "take such a number of tokens, or other patterns"});
}

/// W (heads × Y, D) of elements N(0, 1/D).
dynamics::Weights<double> draw_projection(const EnergyTransformerParameters& p, Index dimension,
                                          const base::RandomKey& key, base::Purpose purpose) {
  MatrixXd w(p.heads * p.head_dimension, dimension);
  base::RandomStream(key, purpose).normals(0, std::span(w.data(), static_cast<std::size_t>(w.size())));
  return dynamics::weights<double>(w / std::sqrt(static_cast<double>(dimension)));
}

dynamics::Network<double> build(const base::Point& point, const MatrixXd& patterns,
                                const base::RandomKey& key) {
  const EnergyTransformerParameters p = table().read(point);
  check(point, patterns.rows());
  const Index dimension = patterns.rows() / p.tokens;
  MatrixXd blocks = patterns.reshaped(dimension, p.tokens * patterns.cols());
  for (Index mu = 0; mu < blocks.cols(); ++mu) {
    blocks.col(mu).array() -= blocks.col(mu).mean();
    const double length = blocks.col(mu).norm();
    if (length > 0) blocks.col(mu) /= length;
  }
  dynamics::Network<double> network;
  const auto x = network.add_layer({.name = "visible",
                                    .neurons = patterns.rows(),
                                    .lagrangian = dynamics::LayerNorm{.groups = p.tokens},
                                    .tau = p.tau});
  const dynamics::Attention<double>::Options options{
      .tokens = p.tokens,
      .heads = p.heads,
      .beta = p.attention_beta > 0 ? p.attention_beta : 1 / std::sqrt(static_cast<double>(p.head_dimension)),
      .self = p.self_attention};
  network.add_synapse(std::make_shared<const dynamics::Attention<double>>(
      x, options, draw_projection(p, dimension, key, base::Purpose("energy_transformer.keys")),
      draw_projection(p, dimension, key, base::Purpose("energy_transformer.queries"))));
  network.add_synapse(
      std::make_shared<const dynamics::SharedMemories<double>>(x, dynamics::weights<double>(blocks)));
  return network;
}

}  // namespace

Memory energy_transformer() {
  return {.model = {.name = "energy_transformer",
                    .title = "Energy Transformer: attention and a Hopfield module as one energy",
                    .equation = "tau dx/dt = -x - d(E_att + E_HN)/dg,   g = layer norm of each token\n"
                                "E_att = -sum_h sum_C log(sum_{B != C} exp(beta K_hB.Q_hC)) / beta\n"
                                "E_HN = -sum_B sum_mu relu(xi_mu.g_B)^2 / 2",
                    .source = "Hoover et al. (2023), arXiv 2302.07253",
                    .parameters = table().parameters()},
          .build = build,
          .check = check};
}

}  // namespace ecphory::models
