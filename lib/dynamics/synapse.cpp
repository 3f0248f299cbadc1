#include "ecphory/dynamics/synapse.hpp"

#include "ecphory/compute/gemm.hpp"

namespace ecphory::dynamics {

using compute::Array;
using compute::Index;
using compute::Transpose;
using compute::View;

namespace {

/// The matrix of one trajectory, or the only one.
template <class Real>
View<const Real> matrix_of(const Array<Real>& w, Index trajectory) {
  const Index rows = w.shape()[0];
  const Index columns = w.shape()[1];
  return {w.data() + trajectory * rows * columns, rows, columns, rows};
}

}  // namespace

template <class Real>
Weights<Real> weights(const Eigen::Ref<const Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>>& matrix) {
  auto array = std::make_shared<Array<Real>>(std::vector<Index>{matrix.rows(), matrix.cols()});
  array->matrix() = matrix;
  return array;
}

template <class Real>
Weights<Real> weights(const std::vector<Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>>& matrices) {
  base::ensure(!matrices.empty(), "weights of trajectories need at least one");
  const Index rows = matrices.front().rows();
  const Index columns = matrices.front().cols();
  auto array =
      std::make_shared<Array<Real>>(std::vector<Index>{rows, columns, static_cast<Index>(matrices.size())});
  for (std::size_t t = 0; t < matrices.size(); ++t) {
    base::ensure(matrices[t].rows() == rows && matrices[t].cols() == columns,
                 "weights of trajectories have one shape");
    std::copy_n(matrices[t].data(), rows * columns, array->data() + static_cast<Index>(t) * rows * columns);
  }
  return array;
}

template <class Real>
std::vector<Projection<Real>> projections_of(const Synapse<Real>& synapse) {
  if (const auto* const s = std::get_if<Symmetric<Real>>(&synapse)) {
    if (s->a == s->b) return {{s->a, s->a, s->w}};
    return {{s->b, s->a, s->w}, {s->a, s->b, s->w, true}};
  }
  if (const auto* const s = std::get_if<Asymmetric<Real>>(&synapse)) return {{s->pre, s->post, s->w}};
  if (const auto* const s = std::get_if<KeyValue<Real>>(&synapse)) {
    return {{s->query, s->memory, s->keys, true}, {s->memory, s->output, s->values}};
  }
  const auto& s = std::get<Relay<Real>>(synapse);
  return {{s.pre, s.post, nullptr, false, s.gain}};
}

template <class Real>
bool has_energy(const Synapse<Real>& synapse) {
  if (std::holds_alternative<Symmetric<Real>>(synapse)) return true;
  const auto* const s = std::get_if<KeyValue<Real>>(&synapse);
  return s != nullptr && s->output == s->query && s->keys == s->values;
}

template <class Real>
void add_drive(const Projection<Real>& projection, View<const Real> g, std::span<const Index> ids,
               View<Real> drive) {
  if (projection.w == nullptr) {
    drive.matrix() += projection.gain * g.matrix();
    return;
  }
  const Transpose transpose = projection.transposed ? Transpose::yes : Transpose::no;
  if (projection.w->shape().size() == 2) {
    compute::gemm<Real>(transpose, Transpose::no, 1, matrix_of(*projection.w, 0), g, 1, drive);
    return;
  }
  for (Index j = 0; j < drive.columns; ++j) {
    if (ids[static_cast<std::size_t>(j)] < 0) continue;
    const auto w = matrix_of(*projection.w, ids[static_cast<std::size_t>(j)]).matrix();
    if (projection.transposed) {
      drive.matrix().col(j).noalias() += w.transpose() * g.matrix().col(j);
    } else {
      drive.matrix().col(j).noalias() += w * g.matrix().col(j);
    }
  }
}

#define ECPHORY_SYNAPSE(Real)                                                                      \
  template Weights<Real> weights<Real>(                                                            \
      const Eigen::Ref<const Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>>&);               \
  template Weights<Real> weights<Real>(                                                            \
      const std::vector<Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>>&);                    \
  template std::vector<Projection<Real>> projections_of<Real>(const Synapse<Real>&);               \
  template bool has_energy<Real>(const Synapse<Real>&);                                            \
  template void add_drive<Real>(const Projection<Real>&, View<const Real>, std::span<const Index>, \
                                View<Real>);
ECPHORY_SYNAPSE(float)
ECPHORY_SYNAPSE(double)
#undef ECPHORY_SYNAPSE

}  // namespace ecphory::dynamics
