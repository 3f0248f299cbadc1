// Simplicial Hopfield network: connections of sets of neurons.
// Burns & Fukai (2023), "Simplicial Hopfield networks", arXiv 2305.05179.
//
//     E(s) = −Σ_σ w(σ) Π_{i∈σ} s_i,   w(σ) = (1/N) Σ_μ Π_{i∈σ} ξ_i^μ
//
// over pairs and sets of one higher order k, drawn at random without repetition. `density` times N(N−1)/2
// connections are there in all, a share of them sets of k neurons: so networks of pairs alone (the paper's
// K1), of triangles alone and of both have equally many. Binary neurons flip one by one where that lowers E,
// graded ones follow τ dx/dt = −x − ∂E/∂g, g = tanh(κx). Time and memory are in proportion to the
// connections.

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "ecphory/dynamics/synapses/setwise.hpp"
#include "ecphory/models/memories.hpp"
#include "ecphory/models/neuron.hpp"

namespace ecphory::models {
namespace {

using Eigen::Index;

struct SimplicialParameters {
  std::int64_t order = 3;
  double share = 0.5;
  double density = 1.0;
  Neuron neuron = Neuron::graded;
  double gain = 4.0;
  double tau = 10.0;
};

const base::ParameterTable<SimplicialParameters>& table() {
  using P = SimplicialParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("order", &P::order, "1",
               "neurons of a higher-order set, one more than the dimension of its simplex",
               base::between(3, 10))
          .add("share", &P::share, "1", "of the connections, that are such sets; the others are pairs",
               base::between(0, 1))
          .add("density", &P::density, "1", "connections in all, in units of N(N-1)/2",
               {.low = 0, .high = 100, .low_excluded = true})
          .add("neuron", &P::neuron, "1", "output of a visible neuron: tanh(kappa v) or sgn(v)")
          .add("gain", &P::gain, "1", "steepness kappa of tanh; typically 1 to 10", base::above(0))
          .when("model.neuron == \"graded\"")
          .add("tau", &P::tau, "ms", "time constant of the visible layer", base::above(0));
  return table;
}

double binomial(Index n, Index k) {
  double result = 1;
  for (Index i = 0; i < k; ++i) result *= static_cast<double>(n - i) / static_cast<double>(i + 1);
  return std::round(result);
}

/// The first set of k of n neurons in lexicographic order, and the next one; false behind the last.
bool next_set(std::vector<Index>& set, Index n) {
  const auto k = static_cast<Index>(set.size());
  for (Index a = k - 1; a >= 0; --a) {
    if (set[static_cast<std::size_t>(a)] == n - k + a) continue;
    ++set[static_cast<std::size_t>(a)];
    for (Index b = a + 1; b < k; ++b)
      set[static_cast<std::size_t>(b)] = set[static_cast<std::size_t>(b - 1)] + 1;
    return true;
  }
  return false;
}

/// `count` different sets of k of n neurons, in lexicographic order.
std::vector<Index> draw_sets(Index n, Index k, std::size_t count, const base::RandomStream& stream) {
  std::uint64_t drawn = 0;
  const auto below = [&](Index bound) {
    std::uint64_t value = 0;
    stream.integers(drawn++, static_cast<std::uint64_t>(bound), {&value, 1});
    return static_cast<Index>(value);
  };
  std::vector<Index> members;
  const double all = binomial(n, k);
  if (static_cast<double>(count) >
      all / 4) {  // every set in turn, with the chance that leaves the right number
    std::vector<Index> set(static_cast<std::size_t>(k));
    for (Index a = 0; a < k; ++a) set[static_cast<std::size_t>(a)] = a;
    auto left = static_cast<Index>(all);
    auto wanted = static_cast<Index>(count);
    do {
      if (below(left--) >= wanted) continue;
      members.insert(members.end(), set.begin(), set.end());
      --wanted;
    } while (wanted > 0 && next_set(set, n));
    return members;
  }
  std::set<std::vector<Index>> sets;
  while (sets.size() < count) {
    std::set<Index> set;
    while (static_cast<Index>(set.size()) < k) set.insert(below(n));
    sets.emplace(set.begin(), set.end());
  }
  for (const auto& set : sets) members.insert(members.end(), set.begin(), set.end());
  return members;
}

/// w(σ) = (1/N) Σ_μ Π_{i∈σ} ξ_i^μ.
dynamics::Sets learned_sets(const Eigen::MatrixXd& patterns, Index k, std::size_t count,
                            const base::RandomKey& key) {
  const base::RandomStream stream(key, base::Purpose("simplicial.sets"), static_cast<std::uint32_t>(k));
  dynamics::Sets sets{.size = k, .members = draw_sets(patterns.rows(), k, count, stream), .weights = {}};
  const Eigen::MatrixXd by_pattern = patterns.transpose();  // a neuron's elements together
  for (std::size_t first = 0; first < sets.members.size(); first += static_cast<std::size_t>(k)) {
    Eigen::ArrayXd product = by_pattern.col(sets.members[first]);
    for (std::size_t a = 1; a < static_cast<std::size_t>(k); ++a)
      product *= by_pattern.col(sets.members[first + a]).array();
    sets.weights.push_back(product.sum() / static_cast<double>(patterns.rows()));
  }
  return sets;
}

Index check(const base::Point& point, Index neurons) {
  const SimplicialParameters p = table().read(point);
  if (neurons == 0) return p.order + 2;
  const double connections = std::round(p.density * binomial(neurons, 2));
  const auto refuse = [&](const std::string& key, Index k, double wanted) {
    const double all = neurons < k ? 0 : binomial(neurons, k);
    if (wanted <= all) return;
    throw base::UserError({.key = key,
                           .problem = fmt::format("{} sets of {} neurons are asked for", wanted, k),
                           .expected = fmt::format("at most the {} that {} neurons have", all, neurons),
                           .remedy = fmt::format("a density of at most {:.3g}", p.density * all / wanted)});
  };
  const double sets = std::round(p.share * connections);
  refuse("model.density", p.order, sets);
  refuse("model.density", 2, connections - sets);
  return neurons;
}

dynamics::Network<double> build(const base::Point& point, const Eigen::MatrixXd& patterns,
                                const base::RandomKey& key) {
  const SimplicialParameters p = table().read(point);
  check(point, patterns.rows());
  const double connections = std::round(p.density * binomial(patterns.rows(), 2));
  const auto sets = static_cast<std::size_t>(std::round(p.share * connections));
  const auto pairs = static_cast<std::size_t>(connections) - sets;
  dynamics::Network<double> network;
  const auto v = network.add_layer({.name = "visible",
                                    .neurons = patterns.rows(),
                                    .lagrangian = lagrangian_of(p.neuron, p.gain),
                                    .tau = p.tau});
  network.add_synapse(std::make_shared<const dynamics::Setwise<double>>(
      v, patterns.rows(),
      std::vector{learned_sets(patterns, 2, pairs, key), learned_sets(patterns, p.order, sets, key)}));
  return network;
}

}  // namespace

Memory simplicial() {
  return {.model = {.name = "simplicial",
                    .title = "Simplicial Hopfield network: connections of sets of neurons",
                    .equation = "E = -sum_sigma w(sigma) prod_{i in sigma} g_i,   w(sigma) = sum_mu prod_{i "
                                "in sigma} xi_i / N\n"
                                "tau dv/dt = -v - dE/dg,   g(v) = tanh(kappa v) or sgn(v)",
                    .source = "Burns & Fukai (2023), arXiv 2305.05179",
                    .parameters = table().parameters()},
          .build = build,
          .check = check};
}

}  // namespace ecphory::models
