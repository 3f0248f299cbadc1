#pragma once
// For each block of D neurons (a token), with mean m and variance v over the block:
// L(x) = κ D √(v + ε),  g = κ (x − m)/√(v + ε),  ∇²L u = κ (u − mean of u − c (c·u) / (D (v + ε))) / √(v + ε)
// with c = x − m. Layer normalisation (Krotov 2021, arXiv 2107.06446; Hoover et al. 2023, arXiv 2302.07253).

#include <cmath>
#include <string_view>
#include <utility>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/view.hpp"

namespace ecphory::dynamics {

struct LayerNorm {
  compute::Index groups = 1;  ///< blocks of contiguous neurons, all of one size; ≥ 1, divides the neurons
  double gain = 1;            ///< κ > 0
  double epsilon = 1e-5;      ///< ε > 0, in units of x²

  static constexpr std::string_view kName = "layer norm";
  static constexpr std::string_view kNullDirection = "the constant vector of each block";
  static constexpr bool kBoundedOutput = true;
  static constexpr bool kElementwise = false;
  static bool convex() { return true; }

  void validate() const {
    if (groups < 1) {
      throw base::UserError({.key = "groups",
                             .problem = std::to_string(groups) + " is not allowed",
                             .expected = "a whole number >= 1 that divides the number of neurons",
                             .remedy = "1 normalises the whole layer"});
    }
    for (const auto& [key, number] : {std::pair("gain", gain), std::pair("epsilon", epsilon)}) {
      if (number > 0 && std::isfinite(number)) continue;
      throw base::UserError({.key = key,
                             .problem = std::to_string(number) + " is not allowed",
                             .expected = "a finite number > 0"});
    }
  }

  template <class Real>
  void value(compute::View<const Real> x, compute::View<Real> l) const {
    const auto size = static_cast<Real>(block_size(x.rows));
    l.matrix().setZero();
    for_each_block(x.rows, x.columns, [&](compute::Index first, compute::Index n, compute::Index j) {
      const auto block = x.matrix().col(j).segment(first, n);
      *l.column(j) += static_cast<Real>(gain) * size * deviation<Real>(block, block.mean());
    });
  }
  template <class Real>
  void gradient(compute::View<const Real> x, compute::View<Real> g) const {
    for_each_block(x.rows, x.columns, [&](compute::Index first, compute::Index n, compute::Index j) {
      const auto block = x.matrix().col(j).segment(first, n);
      const Real mean = block.mean();
      const Real scale = static_cast<Real>(gain) / deviation<Real>(block, mean);
      g.matrix().col(j).segment(first, n) = scale * (block.array() - mean);
    });
  }
  template <class Real>
  void hessian_times(compute::View<const Real> x, compute::View<const Real> u, compute::View<Real> hu) const {
    const auto size = static_cast<Real>(block_size(x.rows));
    for_each_block(x.rows, x.columns, [&](compute::Index first, compute::Index n, compute::Index j) {
      const auto block = x.matrix().col(j).segment(first, n).array();
      const auto direction = u.matrix().col(j).segment(first, n).array();
      const Real mean = block.mean();
      const Real sigma = deviation<Real>(block, mean);
      const Real along = ((block - mean) / sigma * direction).sum() / size;
      hu.matrix().col(j).segment(first, n) =
          static_cast<Real>(gain) / sigma * (direction - direction.mean() - along * ((block - mean) / sigma));
    });
  }

 private:
  compute::Index block_size(compute::Index rows) const {
    base::ensure(groups >= 1 && rows % groups == 0, "layer norm has blocks of one size");
    return rows / groups;
  }

  /// work(first row, rows, column) for every block of every column.
  template <class Work>
  void for_each_block(compute::Index rows, compute::Index columns, const Work& work) const {
    const compute::Index size = block_size(rows);
    for (compute::Index j = 0; j < columns; ++j) {
      for (compute::Index block = 0; block < groups; ++block) work(block * size, size, j);
    }
  }

  /// √(v + ε).
  template <class Real, class Block>
  Real deviation(const Block& block, Real mean) const {
    return std::sqrt((block.array() - mean).square().mean() + static_cast<Real>(epsilon));
  }
};

}  // namespace ecphory::dynamics
