#include "ecphory/dynamics/network.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/finite.hpp"
#include "ecphory/base/nearest.hpp"

namespace ecphory::dynamics {

using base::UserError;
using compute::Index;

namespace {

void check_shape(const std::string& what, const std::vector<Index>& shape, Index rows, Index columns) {
  if (shape.size() >= 2 && shape.size() <= 3 && shape[0] == rows && shape[1] == columns) return;
  throw UserError({.key = what,
                   .problem = fmt::format("the weights are {}", fmt::join(shape, " x ")),
                   .expected = fmt::format("{} x {}, or that for each trajectory", rows, columns),
                   .remedy = "transpose them, or change the number of neurons"});
}

template <class Real>
void check_finite(const std::string& what, std::span<const Real> elements) {
  if (!base::first_not_finite(elements)) return;
  throw UserError({.key = what, .problem = "the weights are not finite", .expected = "finite numbers"});
}

template <class Real>
void check_taus(const Layer<Real>& layer) {
  const bool positive =
      std::ranges::all_of(layer.tau_of_neuron, [](double tau) { return tau > 0 && std::isfinite(tau); });
  if (layer.tau > 0 && positive && static_cast<Index>(layer.tau_of_neuron.size()) == layer.neurons) return;
  throw UserError({.key = layer.name,
                   .problem = layer.tau == 0 ? "an instantaneous layer has neurons with time constants"
                                             : "the time constants of the neurons are not allowed",
                   .expected = fmt::format("{} finite numbers > 0, in a layer with tau > 0", layer.neurons)});
}

template <class Real>
void check_noise(const Layer<Real>& layer) {
  const Noise& noise = layer.noise;
  if (!(noise.additive >= 0) || !(noise.proportional >= 0) || !std::isfinite(noise.additive) ||
      !std::isfinite(noise.proportional)) {
    throw UserError(
        {.key = layer.name, .problem = "the noise is not allowed", .expected = "finite numbers >= 0"});
  }
  if (layer.tau == 0 && noise.present()) {
    throw UserError({.key = layer.name,
                     .problem = "an instantaneous layer has noise",
                     .expected = "tau > 0",
                     .remedy = "give it a small time constant"});
  }
}

}  // namespace

template <class Real>
LayerId Network<Real>::add_layer(Layer<Real> layer) {
  const auto refuse = [&](const std::string& problem, const std::string& expected,
                          const std::string& remedy) {
    throw UserError({.key = layer.name, .problem = problem, .expected = expected, .remedy = remedy});
  };
  if (layer.name.empty()) layer.name = fmt::format("layer {}", layers_.size());
  for (const Layer<Real>& other : layers_) {
    if (other.name == layer.name)
      refuse("there is a layer of this name", "a name of its own", "rename one of them");
  }
  if (layer.neurons < 1) refuse(fmt::format("{} neurons", layer.neurons), "at least one neuron", "");
  if (!(layer.tau >= 0) || !std::isfinite(layer.tau)) {
    refuse(fmt::format("tau = {} ms is not allowed", layer.tau), "a finite number >= 0",
           "0 makes the layer instantaneous");
  }
  if (!layer.tau_of_neuron.empty()) check_taus(layer);
  check_noise(layer);
  try {
    validate(layer.lagrangian);
  } catch (const UserError& error) {
    base::Complaint complaint = error.complaint();
    complaint.where = layer.name;
    throw UserError(complaint);
  }
  if (const auto* const norm = std::get_if<LayerNorm>(&layer.lagrangian);
      norm != nullptr && layer.neurons % norm->groups != 0) {
    refuse(fmt::format("{} neurons are not {} blocks of one size", layer.neurons, norm->groups),
           "a number of neurons that the blocks divide", "change either");
  }
  first_rows_.push_back(rows_);
  if (layer.tau > 0) rows_ += layer.neurons;
  layers_.push_back(std::move(layer));
  order_ = sorted_instantaneous();
  return layers_.size() - 1;
}

template <class Real>
void Network<Real>::set_noise(LayerId layer, const Noise& noise) {
  base::ensure(layer < layers_.size(), "the layer is one of the network's");
  Layer<Real> changed = layers_[layer];
  changed.noise = noise;
  check_noise(changed);
  layers_[layer].noise = noise;
}

template <class Real>
void Network<Real>::set_input(LayerId layer, Input<Real> input) {
  base::ensure(layer < layers_.size(), "the layer is one of the network's");
  const Index columns = input.values.empty() ? 1 : input.values.front().cols();
  validate(input, layers_[layer].name, layers_[layer].neurons, columns);
  layers_[layer].input = std::move(input);
}

template <class Real>
void Network<Real>::add_synapse(Synapse<Real> synapse, const Lifetime& lifetime) {
  if (!(lifetime.from < lifetime.until)) {
    throw UserError({.key = "synapse",
                     .problem = fmt::format("it is there from {} to {} ms", lifetime.from, lifetime.until),
                     .expected = "a beginning before the end"});
  }
  for (const Projection<Real>& p : projections_of(synapse)) check_projection(p);
  check_symmetry(synapse);
  synapses_.push_back(std::move(synapse));
  lifetimes_.push_back(lifetime);
  try {
    order_ = sorted_instantaneous();
  } catch (...) {
    synapses_.pop_back();
    lifetimes_.pop_back();
    throw;
  }
}

template <class Real>
void Network<Real>::check_projection(const Projection<Real>& p) const {
  base::ensure(
      p.post < layers_.size() && std::ranges::all_of(p.pre, [&](LayerId id) { return id < layers_.size(); }),
      "a synapse joins layers of its network");
  if (p.hyper != nullptr) {
    std::vector<Index> neurons;
    std::vector<Index> driven;
    for (const LayerId layer : p.pre) neurons.push_back(layers_[layer].neurons);
    for (const LayerId layer : p.hyper->driven()) driven.push_back(layers_.at(layer).neurons);
    return p.hyper->check(neurons, driven);
  }
  const Layer<Real>& pre = layers_[p.pre.front()];
  const Layer<Real>& post = layers_[p.post];
  const std::string what = fmt::format("synapse from {} to {}", pre.name, post.name);
  const Index rows = p.transposed ? pre.neurons : post.neurons;
  const Index columns = p.transposed ? post.neurons : pre.neurons;
  if (p.w != nullptr) {
    check_shape(what, p.w->shape(), rows, columns);
    check_finite<Real>(what, p.w->elements());
  } else if (p.sparse != nullptr) {
    check_shape(what, {p.sparse->rows(), p.sparse->cols()}, rows, columns);
    check_finite<Real>(what, {p.sparse->valuePtr(), static_cast<std::size_t>(p.sparse->nonZeros())});
  } else if (pre.neurons != post.neurons || !std::isfinite(p.gain)) {
    throw UserError({.key = what,
                     .problem = fmt::format("{} neurons relay to {}", pre.neurons, post.neurons),
                     .expected = "equal numbers and a finite gain"});
  }
}

template <class Real>
void Network<Real>::check_symmetry(const Synapse<Real>& synapse) const {
  const auto refuse = [&](LayerId layer) {
    throw UserError({.key = fmt::format("synapse within {}", layers_[layer].name),
                     .problem = "the weights are not symmetric",
                     .expected = "W = Wᵀ",
                     .remedy = "use an asymmetric synapse; it has no energy"});
  };
  constexpr Real kTolerance = static_cast<Real>(1e-6);
  if (const auto* const s = std::get_if<Symmetric<Real>>(&synapse); s != nullptr && s->a == s->b) {
    const Index n = s->w->shape()[0];
    for (Index k = 0; k < s->w->size() / std::max<Index>(n * n, 1); ++k) {
      const Eigen::Map<const typename Input<Real>::Matrix> w(s->w->data() + k * n * n, n, n);
      if ((w - w.transpose()).cwiseAbs().maxCoeff() > kTolerance * w.cwiseAbs().maxCoeff()) refuse(s->a);
    }
  }
  if (const auto* const s = std::get_if<Sparse<Real>>(&synapse);
      s != nullptr && s->symmetric && s->pre == s->post && s->w->nonZeros() > 0) {
    const Eigen::SparseMatrix<Real> transposed = s->w->transpose();
    const Eigen::SparseMatrix<Real> difference = *s->w - transposed;
    if (difference.nonZeros() > 0 &&
        difference.coeffs().abs().maxCoeff() > kTolerance * s->w->coeffs().abs().maxCoeff())
      refuse(s->pre);
  }
}

template <class Real>
Index Network<Real>::first_row(LayerId layer) const {
  base::ensure(layer < layers_.size() && layers_[layer].tau > 0,
               "only a layer with tau > 0 is part of the state");
  return first_rows_[layer];
}

template <class Real>
LayerId Network<Real>::find(const std::string& name) const {
  std::vector<std::string> known;
  for (LayerId layer = 0; layer < layers_.size(); ++layer) {
    if (layers_[layer].name == name) return layer;
    known.push_back(layers_[layer].name);
  }
  const std::string nearest = base::nearest_name(name, known);
  throw UserError({.key = name,
                   .problem = "there is no layer of this name",
                   .expected = fmt::format("one of {}", fmt::join(known, ", ")),
                   .remedy = nearest.empty() ? "" : fmt::format("did you mean {}?", nearest)});
}

/// Depth-first search over the drives between instantaneous layers.
template <class Real>
std::vector<LayerId> Network<Real>::sorted_instantaneous() const {
  std::vector<std::vector<LayerId>> drivers(layers_.size());
  for (const Synapse<Real>& synapse : synapses_) {
    for (const Projection<Real>& p : projections_of(synapse)) {
      for (const LayerId pre : p.pre) {
        if (layers_[pre].tau == 0 && layers_[p.post].tau == 0) drivers[p.post].push_back(pre);
      }
    }
  }
  enum class Mark { unseen, open, done };
  std::vector<Mark> marks(layers_.size(), Mark::unseen);
  std::vector<LayerId> order;
  std::vector<LayerId> path;
  const auto visit = [&](const auto& self, LayerId layer) -> void {
    if (marks[layer] == Mark::done) return;
    path.push_back(layer);
    if (marks[layer] == Mark::open) {
      std::vector<std::string> names;
      for (auto at = std::ranges::find(path, layer); at != path.end(); ++at)
        names.push_back(layers_[*at].name);
      throw UserError(
          {.problem = fmt::format("instantaneous layers form a circle: {}", fmt::join(names, " <- ")),
           .expected = "an order in which each can be computed from those before it",
           .remedy = "give one of them a time constant > 0"});
    }
    marks[layer] = Mark::open;
    for (const LayerId driver : drivers[layer]) self(self, driver);
    marks[layer] = Mark::done;
    path.pop_back();
    order.push_back(layer);
  };
  for (LayerId layer = 0; layer < layers_.size(); ++layer) {
    if (layers_[layer].tau == 0) visit(visit, layer);
  }
  return order;
}

template class Network<float>;
template class Network<double>;

}  // namespace ecphory::dynamics
