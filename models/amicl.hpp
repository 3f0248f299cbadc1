#pragma once
// AMICL: associative memory for in-context learning.
// Burns, Fukai & Earls (2024), "Associative memory inspires improvements for in-context learning using a
// novel attention residual stream architecture", arXiv 2412.15113.
//
// A context of L tokens x_t ∈ R^D is an item, its label, an item, its label …; the last label is masked to
// zero and is to be completed:
//
//     values             v_t = x_t
//     queries and keys   q_t = k_t = (a·x_{t−1} + x_t) / (a + 1),   x before the first token = 0
//     answer             v_{t*},  t* = argmax_t sim(k_t, q_L)
//     at finite β        y = Σ_t p_t v_t,  p = softmax(β sim(k, q_L)),  answer = the v_t nearest to y
//
// As published, the last key k_L is replaced by a fresh N(0, 1/D) vector before the answer is sought. A trial
// is correct if the answer equals the label's vector exactly. The read-out at finite β is not in the paper;
// the masked token is one of its v_t, so y must be nearer to the label than to silence.

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "ecphory/base/deadline.hpp"
#include "ecphory/base/parameters.hpp"
#include "ecphory/base/random.hpp"
#include "ecphory/compute/array.hpp"
#include "ecphory/models/model.hpp"
#include "ecphory/models/similarity.hpp"
#include "ecphory/tasks/in_context_sequence.hpp"

namespace ecphory::models {

struct AmiclParameters {
  double a = 2.0;
  Similarity similarity = Similarity::dot;
  double beta = std::numeric_limits<double>::infinity();
};

/// Settings of the section `model`.
const base::ParameterTable<AmiclParameters>& amicl_table();

/// For `ecphory models` and `ecphory describe`.
Model amicl();

/// keys(:, t) ← (a·x_{t−1} + x_t) / (a + 1), the queries of the same tokens too. tokens and keys are (D, L).
template <class Real>
void amicl_keys(double a, const compute::Array<Real>& tokens, compute::Array<Real>& keys);

/// last_key ← the fresh N(0, 1/D) vector that replaces k_L in that trial.
template <class Real>
void draw_last_key(const base::RandomKey& key, std::uint32_t trial, std::span<Real> last_key);

/// What the memory answers to one query.
template <class Real>
struct AmiclReadout {
  compute::Array<Real> scores;         ///< (L, 1) similarity of each key with the query
  compute::Array<Real> probabilities;  ///< (L, 1) softmax(β scores); one-hot at β = ∞
  compute::Array<Real> output;         ///< (D, 1) y = Σ p_t v_t
  compute::Index answer = 0;           ///< token whose value is the answer; the first of equals
};

/// Completes the context: keys and values are (D, L), query is (D, 1). Overwrites `readout`.
template <class Real>
void amicl_read(const AmiclParameters& parameters, const compute::Array<Real>& keys,
                const compute::Array<Real>& values, const compute::Array<Real>& query,
                AmiclReadout<Real>& readout);

/// How one trial ended.
struct AmiclOutcome {
  bool correct;     ///< the answer equals the label's vector exactly
  double distance;  ///< ‖y − label‖ / ‖label‖
};

/// Runs trials 0 … n−1 of the published procedure in precision Real, in parallel where the caller is not.
/// Their numbers depend on the key and the trial's number alone. Throws UserError after the deadline.
template <class Real>
std::vector<AmiclOutcome> amicl_trials(const AmiclParameters& model,
                                       const tasks::InContextSequenceParameters& task,
                                       const base::RandomKey& key, std::int64_t n,
                                       const base::Deadline& deadline = {});

/// Scores between all keys and all queries of one context, the published last key included.
struct AmiclScores {
  compute::Array<float> score;    ///< (L keys, L queries)
  compute::Array<float> softmax;  ///< softmax(β score) over keys; one-hot of the argmax at β = ∞
  compute::Array<float> argmax;   ///< 1 at the first largest score of each query, else 0
};

/// The matrices of one trial.
AmiclScores amicl_scores(const AmiclParameters& model, const tasks::InContextSequenceParameters& task,
                         const base::RandomKey& key, std::uint32_t trial);

}  // namespace ecphory::models
