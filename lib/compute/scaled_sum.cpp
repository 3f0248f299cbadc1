#include "ecphory/compute/scaled_sum.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "ecphory/compute/cuda_operations.hpp"

namespace ecphory::compute {
namespace {

/// One column of `kTerms` terms: a number of them that the compiler knows is vector code.
template <class Real, std::size_t... k>
void sum_column(const std::array<Real, kMostTerms>& factor, const std::array<const Real*, kMostTerms>& x,
                Index n, Real* y, std::index_sequence<0, k...>) {
#pragma omp simd
  for (Index i = 0; i < n; ++i) {
    Real sum = factor[0] * x[0][i];
    ((sum = sum + factor[k] * x[k][i]), ...);
    y[i] = sum;
  }
}

template <class Real>
using SumColumn = void (*)(const std::array<Real, kMostTerms>&, const std::array<const Real*, kMostTerms>&,
                           Index, Real*);

template <class Real, std::size_t... n>
constexpr std::array<SumColumn<Real>, sizeof...(n)> sums_of_terms(std::index_sequence<n...>) {
  return {[](const auto& factor, const auto& x, Index rows, Real* y) {
    sum_column<Real>(factor, x, rows, y, std::make_index_sequence<n + 1>());
  }...};
}

}  // namespace

template <class Real>
void scaled_sum(std::span<const Scaled<Real>> terms, View<Real> y) {
  base::ensure(!terms.empty() && terms.size() <= kMostTerms, "a sum has one to eight terms");
  bool is_block = y.stride == y.rows;
  for (const Scaled<Real>& term : terms) {
    base::ensure(
        term.matrix.rows == y.rows && term.matrix.columns == y.columns && term.matrix.device == y.device,
        "the terms of a sum have its shape and device");
    is_block = is_block && term.matrix.stride == y.rows;
  }
  if (y.device != kCpu) return cuda::Operations<Real>::scaled_sum(terms, y);
  static constexpr auto kSums = sums_of_terms<Real>(std::make_index_sequence<kMostTerms>());
  std::array<Real, kMostTerms> factor{};
  std::array<const Real*, kMostTerms> x{};
  const Index columns = is_block ? std::min<Index>(y.columns, 1) : y.columns;
  const Index rows = is_block ? y.rows * y.columns : y.rows;
  for (Index j = 0; j < columns; ++j) {
    for (std::size_t k = 0; k < terms.size(); ++k) {
      factor[k] = terms[k].factor;
      x[k] = terms[k].matrix.column(j);
    }
    kSums[terms.size() - 1](factor, x, rows, y.column(j));
  }
}

template void scaled_sum<float>(std::span<const Scaled<float>>, View<float>);
template void scaled_sum<double>(std::span<const Scaled<double>>, View<double>);

}  // namespace ecphory::compute
