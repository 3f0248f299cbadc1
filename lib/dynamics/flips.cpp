#include "ecphory/dynamics/flips.hpp"

#include <algorithm>

#include "ecphory/compute/gemm.hpp"

namespace ecphory::dynamics {

using compute::Array;
using compute::Index;
using compute::Transpose;

namespace {

/// The layer whose neurons flip.
template <class Real>
LayerId flipping_layer(const Network<Real>& network) {
  for (LayerId id = 0; id < network.layers().size(); ++id) {
    if (network.layers()[id].tau > 0) return id;
  }
  throw base::Bug("a network without a layer that has a time constant");
}

/// states(:, j) ← the current of a layer at time t, or 0.
template <class Real>
void put_current(const Layer<Real>& layer, std::span<const Index> ids, double t, Array<Real>& states) {
  states = Array<Real>({layer.neurons, static_cast<Index>(ids.size())});
  auto to = states.matrix();
  to.setZero();
  const auto* const value = layer.input.at(t);
  if (value == nullptr) return;
  for (std::size_t j = 0; j < ids.size(); ++j) {
    if (ids[j] >= 0) to.col(static_cast<Index>(j)) = value->col(value->cols() == 1 ? 0 : ids[j]);
  }
}

}  // namespace

template <class Real>
std::string unfit_for_flips(const Network<Real>& network) {
  const auto& layers = network.layers();
  const auto moving = std::ranges::count_if(layers, [](const Layer<Real>& layer) { return layer.tau > 0; });
  if (moving != 1) return "it has not exactly one layer with tau > 0";
  const LayerId visible = flipping_layer(network);
  if (!std::holds_alternative<Sign>(layers[visible].lagrangian)) {
    return "the neurons of " + layers[visible].name + " are not binary";
  }
  if (!std::ranges::all_of(network.lifetimes(), &Lifetime::always)) return "its synapses come and go";
  for (const Synapse<Real>& synapse : network.synapses()) {
    if (!has_energy(synapse)) return "one of its synapses has no energy";
    for (const Projection<Real>& p : projections_of(synapse)) {
      if (p.hyper != nullptr && p.pre.size() > 1) return "a hypersynapse joins several layers";
      if (p.hyper == nullptr && p.pre.front() != visible && p.post != visible) {
        return "a synapse joins two instantaneous layers";
      }
      if (p.w != nullptr && p.w->shape().size() == 3) return "its weights differ between trajectories";
    }
  }
  return "";
}

template <class Real>
Flips<Real>::Flips(const Network<Real>& network) : network_(network), layer_(flipping_layer(network)) {
  base::ensure(unfit_for_flips(network).empty(), "the neurons of this network flip one by one");
  for (const Synapse<Real>& synapse : network.synapses()) {
    const Projection<Real> p = projections_of(synapse).front();
    if (p.hyper != nullptr) {
      hyper_.push_back(p.hyper);
    } else if (p.pre.front() != p.post) {
      add_hidden(synapse);
    } else if (p.sparse != nullptr) {
      sparse_within_.push_back(p.sparse);
    } else {
      within_.push_back(p.w);
    }
  }
}

template <class Real>
void Flips<Real>::add_hidden(const Synapse<Real>& synapse) {
  for (const Projection<Real>& p : projections_of(synapse)) {
    if (p.pre.front() != layer_) continue;  // of both directions, the one that leads to the hidden layer
    auto at = std::ranges::find(hidden_, p.post, &Hidden::layer);
    base::ensure(at == hidden_.end(), "one synapse joins an instantaneous layer with the binary one");
    Hidden hidden{.layer = p.post};
    if (p.sparse != nullptr) {
      hidden.sparse = p.transposed ? Eigen::SparseMatrix<Real>(p.sparse->transpose()) : *p.sparse;
    } else {
      hidden.dense = Array<Real>({network_.layers()[p.post].neurons, network_.layers()[layer_].neurons});
      if (p.transposed) {
        hidden.dense.matrix() = p.w->matrix().transpose();
      } else {
        hidden.dense.matrix() = p.w->matrix();
      }
    }
    hidden_.push_back(std::move(hidden));
  }
}

template <class Real>
void Flips<Real>::start(std::span<const Index> ids, double t, ConstView x) {
  ids_.assign(ids.begin(), ids.end());
  spins_ = Array<Real>({x.rows, x.columns});
  gradient<Real>(Sign{}, x, spins_);
  put_current(network_.layers()[layer_], ids_, t, fields_);
  for (const Weights<Real>& w : within_)
    compute::gemm<Real>(Transpose::no, Transpose::no, 1, *w, spins_, 1, fields_);
  for (const SparseWeights<Real>& w : sparse_within_) fields_.matrix() += *w * spins_.matrix();
  for (Hidden& hidden : hidden_) {
    put_current(network_.layers()[hidden.layer], ids_, t, hidden.states);
    if (hidden.sparse.nonZeros() > 0) {
      hidden.states.matrix() += hidden.sparse * spins_.matrix();
    } else if (hidden.dense.size() > 0) {
      compute::gemm<Real>(Transpose::no, Transpose::no, 1, hidden.dense, spins_, 1, hidden.states);
    }
    hidden.trial.resize(static_cast<std::size_t>(hidden.states.rows()));
    hidden.values.resize(ids.size());
    for (Index j = 0; j < x.columns; ++j)
      hidden.values[static_cast<std::size_t>(j)] =
          value_of(hidden, hidden.states.data() + j * hidden.states.rows());
  }
}

template <class Real>
Real Flips<Real>::value_of(const Hidden& hidden, const Real* states) const {
  Real l = 0;
  const Index n = hidden.states.rows();
  value<Real>(network_.layers()[hidden.layer].lagrangian, {states, n, 1, n}, {&l, 1, 1, 1});
  return l;
}

/// states += by · (weights of neuron i).
template <class Real>
void Flips<Real>::add_flipped(const Hidden& hidden, Real by, Index i, Real* states) const {
  if (hidden.dense.size() > 0) {
    const Real* const xi = hidden.dense.data() + i * hidden.dense.rows();
    for (Index mu = 0; mu < hidden.dense.rows(); ++mu) states[mu] += by * xi[mu];
    return;
  }
  for (typename Eigen::SparseMatrix<Real>::InnerIterator at(hidden.sparse, i); at; ++at)
    states[at.row()] += by * at.value();
}

template <class Real>
double Flips<Real>::change(Index column, Index i) {
  const Index n = spins_.rows();
  const Real* const s = spins_.data() + column * n;
  auto change = 2 * static_cast<double>(s[i]) * static_cast<double>(fields_.data()[column * n + i]);
  for (const Weights<Real>& w : within_) change -= 2 * static_cast<double>(w->data()[i * n + i]);
  for (const SparseWeights<Real>& w : sparse_within_) change -= 2 * static_cast<double>(w->coeff(i, i));
  for (Hidden& hidden : hidden_) {
    const Real* const states = hidden.states.data() + column * hidden.states.rows();
    std::copy_n(states, hidden.states.rows(), hidden.trial.data());
    add_flipped(hidden, -2 * s[i], i, hidden.trial.data());
    change += static_cast<double>(hidden.values[static_cast<std::size_t>(column)]) -
              static_cast<double>(value_of(hidden, hidden.trial.data()));
  }
  for (const auto& hyper : hyper_)
    change += hyper->flip_change({s, n, 1, n}, ids_[static_cast<std::size_t>(column)], i);
  return change;
}

template <class Real>
void Flips<Real>::flip(Index column, Index i) {
  const Index n = spins_.rows();
  Real* const s = spins_.data() + column * n;
  Real* const fields = fields_.data() + column * n;
  const Real by = -2 * s[i];
  for (const Weights<Real>& w : within_) {
    const Real* const weights_of_i = w->data() + i * n;
    for (Index k = 0; k < n; ++k) fields[k] += by * weights_of_i[k];
  }
  for (const SparseWeights<Real>& w : sparse_within_) {
    for (typename Eigen::SparseMatrix<Real>::InnerIterator at(*w, i); at; ++at)
      fields[at.row()] += by * at.value();
  }
  for (Hidden& hidden : hidden_) {
    Real* const states = hidden.states.data() + column * hidden.states.rows();
    add_flipped(hidden, by, i, states);
    hidden.values[static_cast<std::size_t>(column)] = value_of(hidden, states);
  }
  s[i] = -s[i];
}

template std::string unfit_for_flips<float>(const Network<float>&);
template std::string unfit_for_flips<double>(const Network<double>&);
template class Flips<float>;
template class Flips<double>;

}  // namespace ecphory::dynamics
