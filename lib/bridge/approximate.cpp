#include "ecphory/bridge/approximate.hpp"

#include <cmath>
#include <map>

#include <fmt/format.h>

namespace ecphory::bridge {

using compute::Array;
using compute::Index;
using dynamics::LayerId;
using dynamics::Network;

namespace {

/// A layer whose output stands for its state near patterns of ±1 or of length 1.
bool is_nearly_its_state(const dynamics::Lagrangian& lagrangian) {
  return std::holds_alternative<dynamics::Tanh>(lagrangian) ||
         std::holds_alternative<dynamics::Sign>(lagrangian) ||
         std::holds_alternative<dynamics::Spherical>(lagrangian);
}

/// The degree n of a polynomial memory; 0 for others.
int degree_of(const dynamics::Lagrangian& lagrangian) {
  if (const auto* const rectified = std::get_if<dynamics::RectifiedPower>(&lagrangian))
    return rectified->degree;
  if (const auto* const plain = std::get_if<dynamics::Power>(&lagrangian)) return plain->degree;
  return 0;
}

template <class Real>
bool is_memory(const dynamics::Layer<Real>& layer) {
  return degree_of(layer.lagrangian) > 0 || std::holds_alternative<dynamics::LogSumExp>(layer.lagrangian) ||
         std::holds_alternative<dynamics::Entmax>(layer.lagrangian);
}

/// h*: the mean over a layer's memories of the overlap of a key with the output of the layer that asks when
/// that is at the key. 0 when no matrix drives the memories.
template <class Real>
double self_overlap(const Network<Real>& network, LayerId memory) {
  for (const dynamics::Synapse<Real>& synapse : network.synapses()) {
    for (const dynamics::Projection<Real>& p : dynamics::projections_of(synapse)) {
      if (p.post != memory || p.w == nullptr || p.w->shape().size() != 2) continue;
      Eigen::MatrixX<Real> keys = p.w->matrix();  // (memories, neurons)
      if (p.transposed) keys.transposeInPlace();
      const dynamics::Lagrangian& asks = network.layers()[p.pre.front()].lagrangian;
      if (std::holds_alternative<dynamics::Spherical>(asks))
        return static_cast<double>(keys.rowwise().norm().mean());
      if (is_nearly_its_state(asks)) return static_cast<double>(keys.cwiseAbs().rowwise().sum().mean());
      return static_cast<double>(keys.rowwise().squaredNorm().mean());
    }
  }
  return 0;
}

template <class Real>
dynamics::Weights<Real> scaled(const dynamics::Weights<Real>& w, double factor) {
  Array<Real> product(w->shape());
  product.matrix() = static_cast<Real>(factor) * w->matrix();
  return std::make_shared<const Array<Real>>(std::move(product));
}

/// A synapse whose memory layer answers with `factor` times its output.
template <class Real>
dynamics::Synapse<Real> with_answers_scaled(const dynamics::Synapse<Real>& synapse,
                                            const std::map<LayerId, double>& factors) {
  if (const auto* const s = std::get_if<dynamics::Symmetric<Real>>(&synapse)) {
    const bool a = factors.contains(s->a);
    if (!a && !factors.contains(s->b)) return synapse;
    const LayerId memory = a ? s->a : s->b;
    const LayerId state = a ? s->b : s->a;
    if (factors.at(memory) == 1) return synapse;
    dynamics::Weights<Real> keys = s->w;
    if (a) {
      Array<Real> turned({s->w->columns(), s->w->rows()});
      turned.matrix() = s->w->matrix().transpose();
      keys = std::make_shared<const Array<Real>>(std::move(turned));
    }
    return dynamics::KeyValue<Real>{state, memory, state, keys, scaled(keys, factors.at(memory))};
  }
  if (const auto* const s = std::get_if<dynamics::KeyValue<Real>>(&synapse);
      s != nullptr && factors.contains(s->memory)) {
    return dynamics::KeyValue<Real>{s->query, s->memory, s->output, s->keys,
                                    scaled(s->values, factors.at(s->memory))};
  }
  if (const auto* const s = std::get_if<dynamics::Asymmetric<Real>>(&synapse);
      s != nullptr && factors.contains(s->pre)) {
    return dynamics::Asymmetric<Real>{s->pre, s->post, scaled(s->w, factors.at(s->pre))};
  }
  return synapse;
}

}  // namespace

template <class Real>
Approximation<Real> nearest_with_attention_form(const Network<Real>& network) {
  Approximation<Real> result;
  std::map<LayerId, double> factors;  // of what polynomial memories answer
  for (LayerId id = 0; id < network.layers().size(); ++id) {
    dynamics::Layer<Real> layer = network.layers()[id];
    const auto changed = [&](const std::string& how) { result.changes.push_back(layer.name + ": " + how); };
    const std::string lagrangian = dynamics::traits_of(layer.lagrangian).name;
    if (layer.noise.present()) {
      changed("its noise is left out");
      layer.noise = {};
    }
    if (is_memory(layer)) {
      if (layer.tau > 0) {
        changed(fmt::format("it follows at once instead of within tau = {} ms", layer.tau));
        layer.tau = 0;
        layer.tau_of_neuron.clear();
      }
      const int degree = degree_of(layer.lagrangian);
      if (const auto* const entmax = std::get_if<dynamics::Entmax>(&layer.lagrangian)) {
        const double beta = entmax->beta;
        changed(fmt::format("entmax is a softmax of the same beta = {}", beta));
        layer.lagrangian = dynamics::LogSumExp{beta};
      } else if (const double overlap = self_overlap(network, id); degree > 1 && overlap > 0) {
        const double beta = (degree - 1) / overlap;
        factors[id] = std::pow(overlap, degree - 1);
        changed(
            fmt::format("the power {} of the overlap is a softmax with beta = {:.4g}, as steep at an "
                        "overlap of {:.4g}, times {:.4g}",
                        degree - 1, beta, overlap, factors[id]));
        layer.lagrangian = dynamics::LogSumExp{beta};
      }
    } else if (layer.tau > 0 && is_nearly_its_state(layer.lagrangian)) {
      changed(fmt::format("its output ({}) is its state", lagrangian));
      layer.lagrangian = dynamics::Quadratic{};
    }
    result.network.add_layer(std::move(layer));
  }
  for (std::size_t k = 0; k < network.synapses().size(); ++k) {
    result.network.add_synapse(with_answers_scaled(network.synapses()[k], factors), network.lifetimes()[k]);
  }
  return result;
}

template Approximation<float> nearest_with_attention_form<float>(const Network<float>&);
template Approximation<double> nearest_with_attention_form<double>(const Network<double>&);

}  // namespace ecphory::bridge
