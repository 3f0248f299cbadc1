#pragma once
// An attention head as a memory. Given its context, a head of a trained Transformer is a network whose state
// is the token that asks:
//
//     τ ẋ = V softmax(β (K̃ᵀ x + b)) − x,    K̃ = W_Qᵀ [k_1 … k_T],   V = [v_1 … v_T]
//
// where k_t and v_t are the head's keys and values of the context's tokens, streams from the layers below
// included: a value stream makes the stored values depend on the layer below, a key stream the keys; a query
// stream adds b_t = k_t · (what the stream adds to the query). With heads side by side or an output
// projection, V is what the head writes into the token. From the token that the layer got, a step without end
// is the head's own output (Ramsauer et al. 2021, eq. 3); a trajectory is what the head would do if the
// layer were applied again and again to the same context.

#include <string>

#include "ecphory/attention/stack.hpp"
#include "ecphory/dynamics/network.hpp"

namespace ecphory::bridge {

using compute::Index;

/// A head in the contexts of sequences: T tokens each, up to the one that asks.
struct LiftedHead {
  double beta = 1;                 ///< β of the head's scores
  Index tokens = 0;                ///< T
  Index sequences = 0;             ///< S
  Eigen::MatrixXd keys = {};       ///< K̃ (width, T · S), sequence after sequence
  Eigen::MatrixXd values = {};     ///< V (width, T · S)
  Eigen::MatrixXd bias = {};       ///< b (T, S); 0 without a query stream
  Eigen::MatrixXd state = {};      ///< (width, S) the tokens that ask, as the layer gets them
  Eigen::MatrixXd output = {};     ///< (width, S) what the head writes for them, as the stack computes it
  Eigen::MatrixXd query_key = {};  ///< W_Qᵀ W_K (width, width), of the head's rows

  auto keys_of(Index sequence) const { return keys.middleCols(sequence * tokens, tokens); }
  auto values_of(Index sequence) const { return values.middleCols(sequence * tokens, tokens); }
};

/// Lifts head `head` of layer `layer` (both from 1 up) of a stack with `weights` in the context of sequences
/// x (width, tokens · S), asked by token `query` (from 0 up; below 0: the last). Throws UserError for a
/// layer, head or token that is not there (keys "layer", "head", "token"), sequences of another width or
/// length
/// ("context"), and a head that reads the layer norm of its tokens.
LiftedHead lift(const attention::StackShape& shape, const compute::Tensors<const double>& weights,
                compute::View<const double> x, Index layer, Index head, Index query = -1);

/// The memory as a network: layer "token" (width, τ in ms), memory "context" (T). One trajectory for each
/// sequence, with keys, values and b of its own; without the leak if `residual`.
dynamics::Network<double> network_of(const LiftedHead& head, double tau, bool residual = false);

/// The same of one sequence alone.
LiftedHead only(const LiftedHead& head, Index sequence);

/// Whether a lifted head has an energy, and how far it is from one.
///
/// In the metric of its state the flow is a gradient where the values are the keys times a number, but for a
/// constant vector, V = c K̃ + d 1ᵀ (softmax does not see what is added to all keys): memories attract for c >
/// 0 and repel for c < 0, and for c = 0, one token, or equal values the state goes to d. In another metric
/// other heads may have one. Between tokens that attend to each other with one set of weights, as sums of
/// log-sum-exp energies ask, W_QᵀW_K is symmetric (Hoover et al. 2023, arXiv 2302.07253).
struct HeadCertificate {
  double scale = 0;  ///< c of least squares
  double untied = 0;  ///< ‖V − (c K̃ + d 1ᵀ)‖ / ‖V − mean‖ (Frobenius), 0 … 1; 0: there is an energy
  double antisymmetric =
      0;  ///< ‖A − Aᵀ‖ / 2‖A‖ of A = W_QᵀW_K, 0 … 1; 0 symmetric, 1/√2 random, 1 antisymmetric
  double rotation = 0;  ///< ‖J − Jᵀ‖ / 2‖J‖ of the drive's Jacobian J at the token that asks; 0 of a gradient

  bool has_energy() const { return untied < 1e-8; }
  /// All of it, a sentence a line.
  std::string text() const;
};
HeadCertificate certify(const LiftedHead& head, Index sequence);

/// β of the same head with keys and values, each less their mean, of root mean square length 1: softmax does
/// not see what all keys have in common, and what all values have only moves the state. For values along the
/// keys it compares with β of a modern Hopfield network of patterns of length 1; others feed less of it back.
double effective_beta(const LiftedHead& head, Index sequence);

/// E(x) = |x − d|²/2 − (c/β) log Σ exp(β (K̃ᵀx + b)) of the nearest head with an energy, V = c K̃ + d 1ᵀ, along
/// whose flow it falls. Where c is near 0 that is hardly more than the distance from the mean value.
double nearest_energy(const LiftedHead& head, Index sequence, const Eigen::VectorXd& x);

}  // namespace ecphory::bridge
