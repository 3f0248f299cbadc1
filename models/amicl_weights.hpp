#pragma once
// AMICL (amicl.hpp) as weights of the in-context Transformer (icl_transformer.hpp): it answers from the
// context without any training. Two layers of one head; token i is x_i = (e_{p_i}; c_i), a one-hot position
// above its content.
//
// U (D, r) is an orthonormal basis of the span of the label vectors μ_l, w a centred ramp over the P
// positions, R (P, r) has orthonormal columns, each orthogonal to w.
//
//   layer 1    k_j · q_i = S if j is the token before i, else 0: one-hot to rounding; token 0 attends to
//   itself
//              W_V (e_p; c) = (R Uᵀ c + w/|w|² − e_{p+1}; a c)
//   after it   (w/|w|² + R Uᵀ c_{i−1}; c_i + a c_{i−1}) for i ≥ 1: a + 1 times AMICL's key in the content,
//   the
//              token before in the positions, whose code is gone but for one constant along w; token 0 lacks
//              that constant
//   layer 2    k_i = √β k_i of AMICL, and √G wᵀ of the positions: what token 0 lacks
//              q = √β a/(a + 1) (content − a U Rᵀ positions) = √β a/(a + 1) c_n, and the same √G wᵀ
//              v = λ R (Uᵀ content − a Rᵀ positions), at a label λ R Uᵀ of its vector
//   read-out   logit l = κ μ_lᵀ/|μ_l| U Rᵀ positions, largest for the label that was looked up
//   (Cauchy–Schwarz)
//
// so that scores of layer 2 are β k_t · a c_n/(a + 1), AMICL's similarity of each key with the query that the
// masked label asks, but for token 0: AMICL's key for it is c_0/(a + 1), here it is c_0, since it attends to
// itself, and leads that of its own label. Its score is G = 4 β a/(a + 1) lower than others', so it stays
// below that label while c_0 · c_n < 4 (a + 1); items have lengths near 1. Rows of the head are apart: P − 1
// for layer 1, D + 1 for layer 2, so no stream of queries or keys changes a score, and that of values adds to
// the positions less than λ covers.
//
//   λ = 2 (max|μ| + 1)/(min|μ| sin(θ/2)), θ the smallest angle between two labels: half of it outweighs what
//       else the positions of the last token hold, R Uᵀ c_{n−1} and, of a value stream, one code
//   κ   such that the right label then leads by 4, less at most half of that for what else they hold
//
// Ours; how close it comes to AMICL is derived and measured in experiments/bridge/README.md.

#include <vector>

#include "ecphory/models/icl_transformer.hpp"
#include "ecphory/tasks/gaussian_mixture.hpp"

namespace ecphory::models {

/// What of the network is constructed.
enum class AmiclPart { attention, readout };

/// Throws UserError (keys of the sections `model` and `task`) for what has no such weights: other than two
/// layers of one head, fewer than min(D, L) + 1 positions, labels of one element, a or β not above 0.
void check_amicl_weights(const IclTransformerParameters& parameters, const IclTransformerShape& shape);

/// Overwrites the tensors of one part in `weights`, (shape.layout().size()). `labels` (D, L) are the
/// mixture's label vectors, on the CPU; a and β are those of `parameters`. Throws UserError as
/// check_amicl_weights() does, and for two labels of one direction.
template <class Real>
void write_amicl_weights(AmiclPart part, const IclTransformerParameters& parameters,
                         const IclTransformerShape& shape, compute::View<const Real> labels,
                         std::vector<Real>& weights);

/// The weights that training starts from, as `parameters.initial` says: constructed parts for a task with
/// these label vectors, the rest as initial_weights().
template <class Real>
std::vector<Real> starting_weights(const IclTransformerParameters& parameters,
                                   const IclTransformerShape& shape, compute::View<const Real> labels,
                                   const base::RandomKey& key);

extern template void write_amicl_weights<float>(AmiclPart, const IclTransformerParameters&,
                                                const IclTransformerShape&, compute::View<const float>,
                                                std::vector<float>&);
extern template void write_amicl_weights<double>(AmiclPart, const IclTransformerParameters&,
                                                 const IclTransformerShape&, compute::View<const double>,
                                                 std::vector<double>&);
extern template std::vector<float> starting_weights<float>(const IclTransformerParameters&,
                                                           const IclTransformerShape&,
                                                           compute::View<const float>,
                                                           const base::RandomKey&);
extern template std::vector<double> starting_weights<double>(const IclTransformerParameters&,
                                                             const IclTransformerShape&,
                                                             compute::View<const double>,
                                                             const base::RandomKey&);

}  // namespace ecphory::models
