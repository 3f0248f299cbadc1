#pragma once
// Similarities between keys and queries.

#include <span>
#include <string_view>

#include "ecphory/compute/array.hpp"

namespace ecphory::models {

enum class Similarity {
  dot,          ///< k·q
  correlation,  ///< Pearson's r over the elements; 0 for a vector whose elements are all equal
  euclidean,    ///< −‖k − q‖₂
  manhattan,    ///< −‖k − q‖₁
};
std::span<const std::string_view> names(Similarity);

/// scores(t, s) ← similarity of keys(:, t) and queries(:, s).
/// keys (D, M), queries (D, S), scores (M, S), all on the CPU; shapes that do not fit are a Bug.
template <class Real>
void similarities(Similarity similarity, const compute::Array<Real>& keys,
                  const compute::Array<Real>& queries, compute::Array<Real>& scores);

extern template void similarities<float>(Similarity, const compute::Array<float>&,
                                         const compute::Array<float>&, compute::Array<float>&);
extern template void similarities<double>(Similarity, const compute::Array<double>&,
                                          const compute::Array<double>&, compute::Array<double>&);

}  // namespace ecphory::models
