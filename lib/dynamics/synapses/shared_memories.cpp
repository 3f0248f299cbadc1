#include "ecphory/dynamics/synapses/shared_memories.hpp"

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/gemm.hpp"

namespace ecphory::dynamics {

using compute::Array;
using compute::Index;
using compute::Transpose;

template <class Real>
void SharedMemories<Real>::check(std::span<const Index> neurons, std::span<const Index>) const {
  if (memories_->rows() > 0 && neurons[0] % memories_->rows() == 0 && memories_->matrix().allFinite()) return;
  throw base::UserError(
      {.key = "shared memories",
       .problem = fmt::format("{} neurons are not whole blocks of {}", neurons[0], memories_->rows()),
       .expected = "a multiple of the memories' elements, which are finite"});
}

/// Ξᵀ g_B, (M, blocks), of the blocks of one column.
template <class Real>
Array<Real> SharedMemories<Real>::overlaps(const Real* blocks, Index count) const {
  const Array<Real>& xi = *memories_;
  Array<Real> h({xi.columns(), count});
  compute::gemm<Real>(Transpose::yes, Transpose::no, 1, {xi.data(), xi.rows(), xi.columns(), xi.rows()},
                      {blocks, xi.rows(), count, xi.rows()}, 0, h);
  return h;
}

/// Blocks of one column += Ξ h.
template <class Real>
void SharedMemories<Real>::add_recalled(const Array<Real>& h, Real* blocks) const {
  const Array<Real>& xi = *memories_;
  compute::gemm<Real>(Transpose::no, Transpose::no, 1, {xi.data(), xi.rows(), xi.columns(), xi.rows()},
                      compute::View<const Real>{h.data(), h.rows(), h.columns(), h.rows()}, 1,
                      compute::View<Real>{blocks, xi.rows(), h.columns(), xi.rows()});
}

template <class Real>
void SharedMemories<Real>::add_energy(std::span<const ConstView> g, Ids, View e) const {
  for (Index j = 0; j < e.columns; ++j) {
    const Array<Real> h = overlaps(g[0].column(j), g[0].rows / memories_->rows());
    *e.column(j) -= h.matrix().cwiseMax(Real{0}).squaredNorm() / 2;
  }
}

template <class Real>
void SharedMemories<Real>::add_drive(std::span<const ConstView> g, Ids, std::size_t, View d) const {
  for (Index j = 0; j < d.columns; ++j) {
    Array<Real> h = overlaps(g[0].column(j), g[0].rows / memories_->rows());
    h.matrix() = h.matrix().cwiseMax(Real{0}).eval();
    add_recalled(h, d.column(j));
  }
}

template <class Real>
void SharedMemories<Real>::add_drive_tangent(std::span<const ConstView> g, std::span<const ConstView> u, Ids,
                                             std::size_t, View d) const {
  for (Index j = 0; j < d.columns; ++j) {
    const Array<Real> h = overlaps(g[0].column(j), g[0].rows / memories_->rows());
    Array<Real> dh = overlaps(u[0].column(j), g[0].rows / memories_->rows());
    dh.matrix() = (h.matrix().array() > 0).select(dh.matrix(), Real{0}).eval();
    add_recalled(dh, d.column(j));
  }
}

template class SharedMemories<float>;
template class SharedMemories<double>;

}  // namespace ecphory::dynamics
