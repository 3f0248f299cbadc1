#include "ecphory/dynamics/synapse.hpp"

#include "ecphory/compute/axpby.hpp"
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
  return {w.data() + trajectory * rows * columns, rows, columns, rows, w.device()};
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
    if (s->a == s->b) return {{.pre = {s->a}, .post = s->a, .w = s->w}};
    return {{.pre = {s->b}, .post = s->a, .w = s->w},
            {.pre = {s->a}, .post = s->b, .w = s->w, .transposed = true}};
  }
  if (const auto* const s = std::get_if<Asymmetric<Real>>(&synapse)) {
    return {{.pre = {s->pre}, .post = s->post, .w = s->w}};
  }
  if (const auto* const s = std::get_if<KeyValue<Real>>(&synapse)) {
    return {{.pre = {s->query}, .post = s->memory, .w = s->keys, .transposed = true},
            {.pre = {s->memory}, .post = s->output, .w = s->values}};
  }
  if (const auto* const s = std::get_if<Relay<Real>>(&synapse)) {
    return {{.pre = {s->pre}, .post = s->post, .gain = s->gain}};
  }
  if (const auto* const s = std::get_if<Sparse<Real>>(&synapse)) {
    std::vector<Projection<Real>> both = {{.pre = {s->pre}, .post = s->post, .sparse = s->w}};
    if (s->symmetric && s->pre != s->post) {
      both.push_back({.pre = {s->post}, .post = s->pre, .sparse = s->w, .transposed = true});
    }
    return both;
  }
  const auto& hyper = std::get<std::shared_ptr<const Hypersynapse<Real>>>(synapse);
  std::vector<Projection<Real>> all;
  for (const LayerId post : hyper->driven())
    all.push_back({.pre = hyper->layers(), .post = post, .hyper = hyper, .place = all.size()});
  return all;
}

template <class Real>
bool has_gpu_form(const Projection<Real>& p) {
  return p.sparse == nullptr && p.hyper == nullptr && (p.w == nullptr || p.w->shape().size() == 2);
}

template <class Real>
bool has_energy(const Synapse<Real>& synapse) {
  if (std::holds_alternative<Symmetric<Real>>(synapse)) return true;
  if (const auto* const s = std::get_if<KeyValue<Real>>(&synapse)) {
    return s->output == s->query && s->keys == s->values;
  }
  if (const auto* const s = std::get_if<Sparse<Real>>(&synapse)) return s->symmetric;
  const auto* const hyper = std::get_if<std::shared_ptr<const Hypersynapse<Real>>>(&synapse);
  return hyper != nullptr && (*hyper)->has_energy();
}

namespace {

/// drive += op(W) g.
template <class Real>
void add_linear(const Projection<Real>& p, View<const Real> g, std::span<const Index> ids, View<Real> drive) {
  base::ensure(drive.device == compute::kCpu || has_gpu_form(p),
               "a drive on a GPU is of one matrix for all trajectories, or a relay");
  if (p.sparse != nullptr) {
    if (p.transposed) {
      drive.matrix() += p.sparse->transpose() * g.matrix();
    } else {
      drive.matrix() += *p.sparse * g.matrix();
    }
    return;
  }
  if (p.w == nullptr) {
    if (drive.device != compute::kCpu) return compute::axpby<Real>(p.gain, g, 1, drive);
    drive.matrix() += p.gain * g.matrix();
    return;
  }
  if (p.w->shape().size() == 2) {
    compute::gemm<Real>(p.transposed ? Transpose::yes : Transpose::no, Transpose::no, 1, matrix_of(*p.w, 0),
                        g, 1, drive);
    return;
  }
  for (Index j = 0; j < drive.columns; ++j) {
    if (ids[static_cast<std::size_t>(j)] < 0) continue;
    const auto w = matrix_of(*p.w, ids[static_cast<std::size_t>(j)]).matrix();
    if (p.transposed) {
      drive.matrix().col(j).noalias() += w.transpose() * g.matrix().col(j);
    } else {
      drive.matrix().col(j).noalias() += w * g.matrix().col(j);
    }
  }
}

template <class Real>
std::vector<View<const Real>> of_layers(Outputs<Real> all, const std::vector<LayerId>& layers) {
  std::vector<View<const Real>> some;
  for (const LayerId layer : layers) some.push_back(all[layer]);
  return some;
}

}  // namespace

template <class Real>
void add_drive(const Projection<Real>& p, Outputs<Real> outputs, std::span<const Index> ids,
               View<Real> drive) {
  if (p.hyper != nullptr) {
    p.hyper->add_drive(of_layers<Real>(outputs, p.pre), ids, p.place, drive);
  } else {
    add_linear(p, outputs[p.pre.front()], ids, drive);
  }
}

template <class Real>
void add_drive_tangent(const Projection<Real>& p, Outputs<Real> outputs, Outputs<Real> tangents,
                       std::span<const Index> ids, View<Real> drive) {
  if (p.hyper != nullptr) {
    p.hyper->add_drive_tangent(of_layers<Real>(outputs, p.pre), of_layers<Real>(tangents, p.pre), ids,
                               p.place, drive);
  } else {
    add_linear(p, tangents[p.pre.front()], ids, drive);
  }
}

template <class Real>
void add_energy(const Synapse<Real>& synapse, Outputs<Real> outputs, std::span<const Index> ids,
                View<Real> e) {
  base::ensure(has_energy(synapse), "only a synapse that has an energy adds to it");
  if (const auto* const hyper = std::get_if<std::shared_ptr<const Hypersynapse<Real>>>(&synapse)) {
    (*hyper)->add_energy(of_layers<Real>(outputs, (*hyper)->layers()), ids, e);
    return;
  }
  const Projection<Real> p = projections_of(synapse).front();
  Array<Real> driven({outputs[p.post].rows, outputs[p.post].columns});
  driven.matrix().setZero();
  add_drive<Real>(p, outputs, ids, driven);
  const Real pairs = p.pre.front() == p.post ? Real{0.5} : Real{1};
  e.matrix() -= pairs * driven.matrix().cwiseProduct(outputs[p.post].matrix()).colwise().sum();
}

#define ECPHORY_SYNAPSE(Real)                                                                                \
  template Weights<Real> weights<Real>(                                                                      \
      const Eigen::Ref<const Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>>&);                         \
  template Weights<Real> weights<Real>(                                                                      \
      const std::vector<Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>>&);                              \
  template std::vector<Projection<Real>> projections_of<Real>(const Synapse<Real>&);                         \
  template bool has_gpu_form<Real>(const Projection<Real>&);                                                 \
  template bool has_energy<Real>(const Synapse<Real>&);                                                      \
  template void add_drive<Real>(const Projection<Real>&, Outputs<Real>, std::span<const Index>, View<Real>); \
  template void add_drive_tangent<Real>(const Projection<Real>&, Outputs<Real>, Outputs<Real>,               \
                                        std::span<const Index>, View<Real>);                                 \
  template void add_energy<Real>(const Synapse<Real>&, Outputs<Real>, std::span<const Index>, View<Real>);
ECPHORY_SYNAPSE(float)
ECPHORY_SYNAPSE(double)
#undef ECPHORY_SYNAPSE

}  // namespace ecphory::dynamics
