#pragma once
// AMICL (amicl.hpp) as weights of the in-context Transformer (icl_transformer.hpp): it answers from the
// context without any training. Two layers of one head; token i is x_i = (e_{p_i}; c_i), a one-hot position
// above its content.
//
// U (D, r) is an orthonormal basis of the span of the label vectors μ_l. f(p) are the T − 1 waves
// √(2/T) cos and sin of 2π j p/T, j = 1 … (T − 1)/2, so that f(p) · f(p') = δ(p ≡ p' mod T) − 1/T. F (T − 1,
// P) has a column f(p) for each of the P positions, R (P, r) orthonormal columns with F R = 0.
//
//   layer 1    k_j · q_i = S f(p_j) · f(p_i − 1), S more for the token before than for others, so attention
//              is one-hot to rounding; token 0 attends to itself
//              W_V (e_p; c) = (R (Uᵀ c − Rᵀ e_{p+1}); a c)
//   after it   Rᵀ of the positions is s = Uᵀ c_{i−1}, the code of the token itself being gone; F of them is
//              still f(p_i); the content is c_i + a c_{i−1}, a + 1 times AMICL's key
//   layer 2    k = √β content/(a + 1), √G f(p_i)
//              q = √β a/(a + 1) (content − a U s), which is c_n √β a/(a + 1), and −√G f(p_n + 1)
//              v = λ R (Uᵀ content − a s), at a label λ R Uᵀ of its vector
//   read-out   logit l = κ μ_lᵀ/|μ_l| U Rᵀ positions, largest for the label that was looked up, as
//              Cauchy–Schwarz has it
//
// so that scores of layer 2 are β k_t · a c_n/(a + 1), AMICL's similarity of each key with the query that the
// masked label asks, and G less for token 0, T − 1 before the query. It attends to itself in layer 1, so its
// key is c_0, where AMICL has c_0/(a + 1), and would lead that of its own label; G = 2 β a²/(a + 1)² keeps it
// below while c_0 · c_n < 2 a, and items have lengths near 1. Heads of both layers use rows of their own,
// T − 1 and D + T − 1 of P + D, so no stream of queries or keys changes a score; that of values adds to the
// positions less than λ covers:
//
//   λ = 2 (max|μ| + 1)/(min|μ| sin(θ/2)), θ the smallest angle between two labels: half of it outweighs what
//       else Rᵀ of the last token's positions holds, Uᵀ c_{n−1} and, of a value stream, codes
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
/// layers of one head, fewer positions than max(r, T − 1) + T − 1, r = min(D, L), labels of one element, a or
/// β not above 0.
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
