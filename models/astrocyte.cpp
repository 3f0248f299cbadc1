// Neurons, synapses and the processes of an astrocyte.
// Kozachkov, Slotine & Krotov (2025), "Neuron-astrocyte associative memory", PNAS 122, arXiv 2311.08135.
//
//     τ   dx_i/dt  = −x_i + w Σ_j s_ij φ(x_j)                   φ(x) = tanh(gain · x)
//     τ_s ds_ij/dt = −s_ij + w φ(x_i) φ(x_j) + κ p_ij          κ = process_coupling
//     τ_p dp_ij/dt = −p_ij + κ s_ij + Σ_kl T_ijkl p_kl
//
// One synapse and one process stand for each pair of neurons, so s and p are symmetric and no neuron has a
// synapse to itself; sums over kl are over pairs. With s and p stationary, s = (1 − κ² (1 − T)⁻¹)⁻¹ w φφ, and
// a stored pattern becomes stronger than any other direction by what T adds to s = w φφ/(1 − κ²). Where it
// departs from the paper:
// - s and p act linearly (the paper's g and ψ are any monotone functions).
// - Leaks are 1 and κ < 1. The paper's coupling is 1, with leaks α and γ: κ = 1/√(αγ). At κ = 1 nothing holds
//   s and p along directions that T does not know.
// - Hebb's T = Q Qᵀ, Q_ij,μ = ξ_iξ_j/√P with P = N (N − 1)/2 pairs, becomes
//       T = (1 − κ²) λ Q (κ²/(1 − κ²) + λ Qᵀ Q)⁻¹ Qᵀ,   λ = process_strength,
//   for which s = w (1/(1 − κ²) + λ Q Qᵀ) φφ at rest, for any patterns: a dense memory of power 4,
//       E = … − ½ w² λ Σ_μ (Σ_{i<j} ξ_iξ_jφ_iφ_j)²/P − ½ w² Σ_{i<j} φ_i²φ_j²/(1 − κ²).
//   T < 1 − κ² for any patterns and strength, so s and p never run away. For small λ it is Hebb's, times a
//   number.
// - w = ((N − 1) λ)^(−1/2), so that a stored pattern drives every neuron with its own element, plus the part
//   1/((1 − κ²) λ) of φ that every pattern has: it holds errors, and has to be small.
//
// The slowest rate of s and p is about κ² (1 − κ²)/((1 + κ²) (κ² + (1 − κ²) λ)) of that of one alone:
// synapses and processes must be that much faster than neurons for these not to forget the cue before they
// are there. The typical values (33 times slower, but 100 times faster than neurons) suffice. Time and memory
// are in proportion to N² M.

#include <Eigen/Cholesky>
#include <cmath>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/synapses/plastic.hpp"
#include "ecphory/models/memories.hpp"

namespace ecphory::models {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

struct AstrocyteParameters {
  double gain = 4.0;
  double strength = 10.0;
  double coupling = 0.7;
  double tau = 10.0;
  double tau_synapse = 0.1;
  double tau_process = 0.1;
};

const base::ParameterTable<AstrocyteParameters>& table() {
  using P = AstrocyteParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("gain", &P::gain, "1", "steepness kappa of tanh; typically 1 to 10", base::above(0))
          .add("process_strength", &P::strength, "1",
               "lambda: what a stored pattern adds to a synapse, against the Hebbian part of any pattern",
               {.low = 0, .high = 1e6, .low_excluded = true})
          .add("process_coupling", &P::coupling, "1", "between a synapse and its process, both ways",
               {.low = 0.01, .high = 0.99})
          .add("tau", &P::tau, "ms", "time constant of the visible layer", base::above(0))
          .add("tau_synapse", &P::tau_synapse, "ms", "time constant of the synapses", base::above(0))
          .add("tau_process", &P::tau_process, "ms", "time constant of the astrocyte's processes",
               base::above(0));
  return table;
}

/// C with T = C Cᵀ, (pairs, M).
MatrixXd process_weights(const MatrixXd& patterns, const AstrocyteParameters& p) {
  MatrixXd q = dynamics::pair_products(patterns);
  for (Index mu = 0; mu < q.cols(); ++mu) {
    const double length = q.col(mu).norm();
    if (length > 0) q.col(mu) /= length;
  }
  const double free = 1 - p.coupling * p.coupling;
  MatrixXd inner = p.strength * (q.transpose() * q);
  inner.diagonal().array() += (1 - free) / free;
  const Eigen::LLT<MatrixXd> factor(inner);  // inner⁻¹ = L⁻ᵀ L⁻¹
  return std::sqrt(free * p.strength) * factor.matrixU().solve<Eigen::OnTheRight>(q);
}

dynamics::SparseWeights<double> identity(Index size, double gain) {
  auto matrix = std::make_shared<Eigen::SparseMatrix<double>>(size, size);
  matrix->setIdentity();
  *matrix *= gain;
  return matrix;
}

Index check(const base::Point&, Index neurons) {
  if (neurons == 0) return 2;
  if (neurons >= 2) return neurons;
  throw base::UserError({.key = "model.name",
                         .problem = "one neuron of an astrocyte network has no synapse",
                         .expected = "patterns of at least 2 elements"});
}

dynamics::Network<double> build(const base::Point& point, const MatrixXd& patterns, const base::RandomKey&) {
  const AstrocyteParameters p = table().read(point);
  const Index n = check(point, patterns.rows());
  const Index pairs = dynamics::pairs_of(n);
  dynamics::Network<double> network;
  const auto x = network.add_layer(
      {.name = "visible", .neurons = n, .lagrangian = dynamics::Tanh{p.gain}, .tau = p.tau});
  const auto s = network.add_layer({.name = "synapses", .neurons = pairs, .tau = p.tau_synapse});
  const auto a = network.add_layer({.name = "processes", .neurons = pairs, .tau = p.tau_process});
  const auto h = network.add_layer({.name = "hidden", .neurons = patterns.cols(), .tau = 0});
  network.add_synapse(std::make_shared<const dynamics::Plastic<double>>(
      x, s, 1 / std::sqrt(static_cast<double>(n - 1) * p.strength)));
  network.add_synapse(
      dynamics::Sparse<double>{.pre = s, .post = a, .w = identity(pairs, p.coupling), .symmetric = true});
  network.add_synapse(
      dynamics::Symmetric<double>{a, h, dynamics::weights<double>(process_weights(patterns, p))});
  return network;
}

}  // namespace

Memory astrocyte() {
  return {.model = {.name = "astrocyte",
                    .title = "Neurons, synapses and the processes of an astrocyte",
                    .equation = "tau dx_i/dt = -x_i + w sum_j s_ij phi(x_j),   phi(x) = tanh(kappa x)\n"
                                "tau_synapse ds_ij/dt = -s_ij + w phi(x_i) phi(x_j) + process_coupling p_ij\n"
                                "tau_process dp_ij/dt = -p_ij + process_coupling s_ij + sum_kl T_ijkl p_kl",
                    .source = "Kozachkov, Slotine & Krotov (2025), PNAS 122, arXiv 2311.08135",
                    .parameters = table().parameters()},
          .build = build,
          .check = check};
}

}  // namespace ecphory::models
