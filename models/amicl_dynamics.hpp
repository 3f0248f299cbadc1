#pragma once
// AMICL as a dynamical system.
// The published model: Burns, Fukai & Earls (2024), arXiv 2412.15113 (models/amicl.hpp). Ours is the time
// that it takes.
//
// Tokens x_1 … x_L come one after the other, each for T ms. At the onset of token t a trace z_t holds what
// came before, one memory neuron is recruited, and its weights are set in one shot:
//
//     k_t = (a z_t + x_t) / (a + 1),   v_t = x_t
//     shift:  z_t = x_{t−1}                       the published one-token memory, gated at the onsets
//     leaky:  τ_z ż = −z + x(t)                   which holds older tokens too; → shift as T/τ_z → ∞
//
// The last token is the query, and from its onset on, with h = y = 0 at t = 0,
//
//     τ_h ḣ_t = −h_t + sim(k_t, q) + noise,   p = softmax(βh),   τ_y ẏ = −y + Σ_t p_t v_t + noise
//
// As published, the last key is replaced by a random one. The answer is the v_t nearest to y at the end of
// the read-out; it is right if token t is the label. β → ∞ and a long read-out give the published answer.

#include <cstdint>
#include <vector>

#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/models/amicl.hpp"

namespace ecphory::models {

enum class Trace { shift, leaky };
std::span<const std::string_view> names(Trace);

struct AmiclDynamicsParameters {
  double a = 2.0;
  Similarity similarity = Similarity::dot;
  double beta = 30.0;
  double tau_h = 10.0;  ///< ms
  double tau_y = 10.0;  ///< ms
  Trace trace = Trace::shift;
  double tau_z = 20.0;            ///< ms
  double token_duration = 100.0;  ///< ms
  double token_noise = 0.0;       ///< standard deviation of each token's noise, in units of 1/√D
  double noise_h = 0.0;           ///< standard deviation at which an undriven memory neuron settles
  double noise_y = 0.0;           ///< the same for an output neuron, in units of 1/√D
};

/// Settings of the section `model`.
const base::ParameterTable<AmiclDynamicsParameters>& amicl_dynamics_table();

/// For `ecphory models` and `ecphory describe`.
Model amicl_dynamics();

/// Contexts as they stand when the query comes.
struct AmiclContexts {
  dynamics::Network<double> network;  ///< layers h (L, the memory neurons) and y (D); a trajectory is a trial
  std::vector<Eigen::MatrixXd> values;      ///< (D, L) of each trial, as presented
  std::vector<std::vector<bool>> is_label;  ///< of each trial and token: whether it is the label looked for
  Eigen::MatrixXd labels;                   ///< (D, trials) without noise
};

/// Presents the contexts of trials 0 … n−1 and builds the network that answers their queries.
AmiclContexts present(const AmiclDynamicsParameters& model, const tasks::InContextSequenceParameters& task,
                      const base::RandomKey& key, std::int64_t n);

/// What states of the network say about one trial. state is (L + D) elements, h above y.
struct AmiclReading {
  bool correct;          ///< the v_t nearest to y is the label
  double crosstalk;      ///< Σ p_t over the memory neurons whose value is not the label
  double label_overlap;  ///< cosine of y with the label; 0 at y = 0
};
AmiclReading read_out(const AmiclContexts& contexts, double beta, std::int64_t trial,
                      const Eigen::VectorXd& state);

}  // namespace ecphory::models
