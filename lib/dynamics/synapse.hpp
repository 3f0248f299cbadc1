#pragma once
// Synapses: what the outputs of some layers contribute to the drive of others.

#include <Eigen/SparseCore>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "ecphory/compute/view.hpp"
#include "ecphory/dynamics/hypersynapse.hpp"

namespace ecphory::dynamics {

/// Weights that networks share: (rows, columns), or (rows, columns, trajectories) where every trajectory has
/// its own.
template <class Real>
using Weights = std::shared_ptr<const compute::Array<Real>>;

/// Weights from an Eigen matrix.
template <class Real>
Weights<Real> weights(const Eigen::Ref<const Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>>& matrix);

/// Weights of each trajectory from one matrix each, all of one shape.
template <class Real>
Weights<Real> weights(const std::vector<Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>>& matrices);

/// E = −g_aᵀ W g_b, W (neurons of a, neurons of b): drives a with W g_b and b with Wᵀ g_a. Within one layer
/// (a = b) W is symmetric, E = −½ gᵀ W g, and the drive is W g.
template <class Real>
struct Symmetric {
  LayerId a;
  LayerId b;
  Weights<Real> w;
};

/// Drives `post` with W g_pre, W (neurons of post, neurons of pre); nothing comes back, so there is no
/// energy.
template <class Real>
struct Asymmetric {
  LayerId pre;
  LayerId post;
  Weights<Real> w;
};

/// Drives `memory` with Kᵀ g_query and `output` with V g_memory: keys K (neurons of query, memories), values
/// V (neurons of output, memories). It has an energy only as the symmetric synapse that it is when output =
/// query and V = K.
template <class Real>
struct KeyValue {
  LayerId query;
  LayerId memory;
  LayerId output;
  Weights<Real> keys;
  Weights<Real> values;
};

/// Drives `post` with gain · g_pre, neuron by neuron.
template <class Real>
struct Relay {
  LayerId pre;
  LayerId post;
  Real gain = 1;
};

template <class Real>
using SparseWeights = std::shared_ptr<const Eigen::SparseMatrix<Real>>;

/// The same as Asymmetric, or with `symmetric` as Symmetric (E = −g_postᵀ W g_pre), for a W that is stored by
/// its non-zero elements: time and memory are in proportion to those.
template <class Real>
struct Sparse {
  LayerId pre;
  LayerId post;
  SparseWeights<Real> w;
  bool symmetric = false;
};

template <class Real>
using Synapse = std::variant<Symmetric<Real>, Asymmetric<Real>, KeyValue<Real>, Relay<Real>, Sparse<Real>,
                             std::shared_ptr<const Hypersynapse<Real>>>;

/// One drive of a synapse. `post` is driven by op(W) g of the one layer in `pre`, with the weights `w` or
/// `sparse`; or by gain · g where there are no weights; or by `hyper` with the outputs of all of
/// `pre`, `post` being at `place` among those that it drives.
template <class Real>
struct Projection {
  std::vector<LayerId> pre;
  LayerId post;
  Weights<Real> w = nullptr;
  SparseWeights<Real> sparse = nullptr;
  bool transposed = false;
  Real gain = 1;
  std::shared_ptr<const Hypersynapse<Real>> hyper = nullptr;
  std::size_t place = 0;
};

/// Everything a synapse drives.
template <class Real>
std::vector<Projection<Real>> projections_of(const Synapse<Real>& synapse);

/// Whether add_drive() can be on a GPU: dense weights that all trajectories share, or a relay.
template <class Real>
bool has_gpu_form(const Projection<Real>& projection);

/// Whether the synapse derives from an energy.
template <class Real>
bool has_energy(const Synapse<Real>& synapse);

/// Outputs of all layers, or directions of them, by layer.
template <class Real>
using Outputs = std::span<const compute::View<const Real>>;

/// drive += what the projection drives, over columns that are the trajectories `ids` (used where each has
/// weights of its own; an id below 0 is a column without a trajectory). Outputs, drive and the projection's
/// weights are on one device.
template <class Real>
void add_drive(const Projection<Real>& projection, Outputs<Real> outputs, std::span<const compute::Index> ids,
               compute::View<Real> drive);

/// drive += the derivative of that along the directions `tangents` of the outputs.
template <class Real>
void add_drive_tangent(const Projection<Real>& projection, Outputs<Real> outputs, Outputs<Real> tangents,
                       std::span<const compute::Index> ids, compute::View<Real> drive);

/// e(1, columns) += E of the synapse, which has one. Instantaneous layers included.
template <class Real>
void add_energy(const Synapse<Real>& synapse, Outputs<Real> outputs, std::span<const compute::Index> ids,
                compute::View<Real> e);

}  // namespace ecphory::dynamics
