#pragma once
// Synapses: what the outputs of some layers contribute to the drive of others.

#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "ecphory/compute/view.hpp"

namespace ecphory::dynamics {

/// A layer of a network, by the order of adding.
using LayerId = std::size_t;

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
using Synapse = std::variant<Symmetric<Real>, Asymmetric<Real>, KeyValue<Real>, Relay<Real>>;

/// One direction of a synapse: `post` is driven by op(W) g_pre, or by gain · g_pre where there are no
/// weights.
template <class Real>
struct Projection {
  LayerId pre;
  LayerId post;
  Weights<Real> w;
  bool transposed = false;
  Real gain = 1;
};

/// Everything a synapse drives.
template <class Real>
std::vector<Projection<Real>> projections_of(const Synapse<Real>& synapse);

/// Whether the synapse derives from an energy.
template <class Real>
bool has_energy(const Synapse<Real>& synapse);

/// drive += op(W) g, with `drive` and `g` over columns that are the trajectories `ids` (used where each has
/// weights of its own; an id below 0 is a column without a trajectory).
template <class Real>
void add_drive(const Projection<Real>& projection, compute::View<const Real> g,
               std::span<const compute::Index> ids, compute::View<Real> drive);

}  // namespace ecphory::dynamics
