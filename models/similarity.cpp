#include "ecphory/models/similarity.hpp"

#include <array>

#include "ecphory/compute/gemm.hpp"

namespace ecphory::models {
namespace {

using compute::Array;
using compute::Index;

/// Columns with their mean taken away and scaled to length 1; a constant column becomes zero.
template <class Real>
Array<Real> standardised(const Array<Real>& columns) {
  Array<Real> result(columns.shape());
  const auto from = columns.matrix();
  auto to = result.matrix();
  for (Index j = 0; j < from.cols(); ++j) {
    to.col(j) = from.col(j).array() - from.col(j).mean();
    const Real length = to.col(j).norm();
    to.col(j) *= length > 0 ? 1 / length : Real{0};
  }
  return result;
}

}  // namespace

std::span<const std::string_view> names(Similarity) {
  static constexpr std::array<std::string_view, 4> kNames = {"dot", "correlation", "euclidean", "manhattan"};
  return kNames;
}

template <class Real>
void similarities(Similarity similarity, const Array<Real>& keys, const Array<Real>& queries,
                  Array<Real>& scores) {
  base::ensure(keys.rows() == queries.rows() && scores.rows() == keys.columns() &&
                   scores.columns() == queries.columns(),
               "similarities takes keys (D, M), queries (D, S) and scores (M, S)");
  const auto product = [&](const Array<Real>& k, const Array<Real>& q) {
    compute::gemm<Real>(compute::Transpose::yes, compute::Transpose::no, 1, k, q, 0, scores);
  };
  const auto k = keys.matrix();
  const auto q = queries.matrix();
  auto s = scores.matrix();
  switch (similarity) {
    case Similarity::dot:
      product(keys, queries);
      break;
    case Similarity::correlation:
      product(standardised(keys), standardised(queries));
      break;
    case Similarity::euclidean:
      for (Index j = 0; j < q.cols(); ++j) {
        for (Index t = 0; t < k.cols(); ++t) s(t, j) = -(k.col(t) - q.col(j)).norm();
      }
      break;
    case Similarity::manhattan:
      for (Index j = 0; j < q.cols(); ++j) {
        for (Index t = 0; t < k.cols(); ++t) s(t, j) = -(k.col(t) - q.col(j)).template lpNorm<1>();
      }
      break;
  }
}

template void similarities<float>(Similarity, const Array<float>&, const Array<float>&, Array<float>&);
template void similarities<double>(Similarity, const Array<double>&, const Array<double>&, Array<double>&);

}  // namespace ecphory::models
