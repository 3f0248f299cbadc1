#include "ecphory/bridge/attention_form.hpp"

#include <cmath>
#include <map>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"

namespace ecphory::bridge {

using base::UserError;
using compute::Array;
using dynamics::LayerId;
using dynamics::Method;
using dynamics::Network;
using dynamics::Projection;

namespace {

template <class Real>
using Vector = Eigen::Matrix<Real, Eigen::Dynamic, 1>;

[[noreturn]] void refuse(const std::string& key, const std::string& problem, const std::string& expected,
                         const std::string& remedy = kNearestForm) {
  throw UserError(
      {.key = key, .problem = "no exact attention form: " + problem, .expected = expected, .remedy = remedy});
}

/// What a step keeps of a state with time constant tau, and takes of its drive.
template <class Real>
struct Gate {
  Real keep;
  Real take;
};
template <class Real>
Gate<Real> gate_of(Method method, double step, double tau, bool residual) {
  const bool straight = method == Method::euler;
  const double take = straight ? step / tau : -std::expm1(-step / tau);
  const double keep = residual ? 1 : straight ? 1 - take : std::exp(-step / tau);
  return {static_cast<Real>(keep), static_cast<Real>(take)};
}

template <class Real>
class Builder {
 public:
  Builder(const Network<Real>& network, double step, Index depth, Method method) : network_(network) {
    form_.method = method;
    form_.step = step;
    form_.depth = depth;
  }

  AttentionForm<Real> build() {
    for (LayerId id = 0; id < network_.layers().size(); ++id) add_layer(id);
    for (std::size_t k = 0; k < network_.synapses().size(); ++k) {
      for (const Projection<Real>& p : dynamics::projections_of(network_.synapses()[k]))
        add_projection(p, network_.lifetimes()[k]);
    }
    add_gates();
    for (auto& [id, head] : heads_) {
      if (head.keys == nullptr || head.values == nullptr) {
        refuse(name(id), "the memory layer is not both driven by a layer and driving one",
               "a layer that asks and a layer that is answered");
      }
      form_.layer.heads.push_back(std::move(head));
    }
    return std::move(form_);
  }

 private:
  bool is_memory(LayerId id) const { return network_.layers()[id].tau == 0; }
  const std::string& name(LayerId id) const { return network_.layers()[id].name; }

  void add_layer(LayerId id) {
    const dynamics::Layer<Real>& layer = network_.layers()[id];
    const std::string lagrangian = dynamics::traits_of(layer.lagrangian).name;
    if (layer.noise.present()) refuse(layer.name, "it has noise", "a layer without noise");
    if (layer.input.moves()) {
      refuse(layer.name, "its input current jumps", "a current that is constant",
             "cut the run at the jumps: each part has a form");
    }
    const auto* const current = layer.input.at(0);
    if (current != nullptr && current->cols() != 1) {
      refuse(layer.name, "every trajectory has an input current of its own", "one current for all",
             "one form for each trajectory");
    }
    if (is_memory(id)) {
      const auto* const softmax = std::get_if<dynamics::LogSumExp>(&layer.lagrangian);
      if (softmax == nullptr) {
        refuse(layer.name, fmt::format("its Lagrangian is {}, not log-sum-exp", lagrangian),
               "instantaneous layers whose output is a softmax");
      }
      attention::StoredHead<Real>& head = heads_[id];
      head.name = layer.name;
      head.beta = softmax->beta;
      if (current != nullptr) head.bias = *current;
      return;
    }
    if (std::holds_alternative<dynamics::LogSumExp>(layer.lagrangian)) {
      refuse(layer.name, fmt::format("the memory layer has a time constant of {} ms", layer.tau),
             "tau = 0: the softmax follows at once");
    }
    if (!std::holds_alternative<dynamics::Quadratic>(layer.lagrangian)) {
      refuse(layer.name, fmt::format("its Lagrangian is {}, not quadratic", lagrangian),
             "layers with tau > 0 whose output is their state");
    }
    const Index first = form_.blocks.empty() ? 0 : form_.blocks.back().first + form_.blocks.back().neurons;
    form_.blocks.push_back({.name = layer.name, .first = first, .neurons = layer.neurons});
    block_of_[id] = form_.blocks.size() - 1;
  }

  void add_projection(const Projection<Real>& p, const dynamics::Lifetime& lifetime) {
    const LayerId pre = p.pre.front();
    const std::string synapse = name(pre) + " -> " + name(p.post);
    if (!lifetime.always()) {
      refuse(synapse, "the synapse comes or goes", "synapses that stay",
             "cut the run where it does: each part has a form");
    }
    if (p.hyper != nullptr) refuse(synapse, "the synapse is " + p.hyper->name(), "keys and values");
    if (p.sparse != nullptr) {
      refuse(synapse, "the synapse is stored by its non-zero elements", "dense keys and values",
             "make its matrix dense");
    }
    if (p.w == nullptr) {
      if (pre != p.post || p.gain != 1 || is_memory(pre)) {
        refuse(synapse, fmt::format("a relay of gain {}", p.gain),
               "no relay but one of gain 1 from a layer with tau > 0 to itself, which is the residual step");
      }
      Block& block = form_.blocks[block_of_.at(pre)];
      if (block.residual)
        refuse(synapse, "two relays feed the layer back into itself", "at most one, of gain 1");
      block.residual = true;
      return;
    }
    if (p.w->shape().size() != 2) {
      refuse(synapse, "every trajectory has weights of its own", "one matrix for all",
             "one form for each trajectory");
    }
    if (is_memory(pre) == is_memory(p.post)) {
      refuse(synapse, "the synapse joins two layers without a softmax between them",
             "synapses from a layer with tau > 0 to a memory layer or back");
    }
    const LayerId memory = is_memory(pre) ? pre : p.post;
    const Block& block = form_.blocks[block_of_.at(is_memory(pre) ? p.post : pre)];
    attention::StoredHead<Real>& head = heads_.at(memory);
    auto& matrix = is_memory(pre) ? head.values : head.keys;
    if (matrix != nullptr) {
      refuse(synapse, fmt::format("several layers join {} the same way", name(memory)),
             "one layer that asks and one that is answered", "make these layers one");
    }
    // Keys and values are (rows, memories); the projection's matrix is (post, pre), or transposed.
    const bool flat = is_memory(pre) == p.transposed;
    matrix = flat ? transposed(p.w) : p.w;
    (is_memory(pre) ? head.output : head.query) = block.first;
  }

  dynamics::Weights<Real> transposed(const dynamics::Weights<Real>& w) {
    dynamics::Weights<Real>& known = transposed_[w.get()];
    if (known == nullptr) {
      Array<Real> turned({w->columns(), w->rows()});
      turned.matrix() = w->matrix().transpose();
      known = std::make_shared<const Array<Real>>(std::move(turned));
    }
    return known;
  }

  void add_gates() {
    if (form_.blocks.empty()) {
      refuse("network", "no layer has a time constant > 0", "at least one",
             "give the layer that is to be followed a tau");
    }
    const Index width = form_.blocks.back().first + form_.blocks.back().neurons;
    form_.layer.keep.resize(width);
    form_.layer.gate.resize(width);
    form_.tau.resize(width);
    form_.layer.input = Vector<Real>::Zero(width);
    for (const auto& [id, at] : block_of_) {
      const dynamics::Layer<Real>& layer = network_.layers()[id];
      const Block& block = form_.blocks[at];
      for (Index i = 0; i < block.neurons; ++i) {
        const double tau =
            layer.tau_of_neuron.empty() ? layer.tau : layer.tau_of_neuron[static_cast<std::size_t>(i)];
        const Gate<Real> gate = gate_of<Real>(form_.method, form_.step, tau, block.residual);
        if (!(gate.take > 0 && gate.take <= 1)) {
          throw UserError({.key = layer.name,
                           .problem = fmt::format("a step of {} ms with tau = {} ms has the gate {}",
                                                  form_.step, tau, gate.take),
                           .expected = "a gate above 0 and at most 1",
                           .remedy = form_.method == Method::euler
                                         ? fmt::format("a step of at most {} ms, or exponential_euler", tau)
                                         : "a longer step"});
        }
        form_.layer.keep[block.first + i] = gate.keep;
        form_.layer.gate[block.first + i] = gate.take;
        form_.tau[block.first + i] = tau;
      }
      if (const auto* const current = layer.input.at(0); current != nullptr)
        form_.layer.input.segment(block.first, block.neurons) = *current;
    }
  }

  const Network<Real>& network_;
  AttentionForm<Real> form_;
  std::map<LayerId, std::size_t> block_of_;
  std::map<LayerId, attention::StoredHead<Real>> heads_;  // of the memory layers
  std::map<const Array<Real>*, dynamics::Weights<Real>> transposed_;
};

}  // namespace

template <class Real>
AttentionForm<Real> attention_form(const Network<Real>& network, double step, Index depth, Method method) {
  if (method != Method::exponential_euler && method != Method::euler) {
    throw UserError({.key = "method",
                     .problem = fmt::format("a step of {} is no attention layer", base::name_of(method)),
                     .expected = "exponential_euler or euler"});
  }
  if (!(step > 0)) {
    throw UserError({.key = "step",
                     .problem = fmt::format("{} is not allowed", step),
                     .expected = "a number > 0, in ms"});
  }
  if (depth < 1 || depth > kMostLayers) {
    throw UserError({.key = "layers",
                     .problem = fmt::format("{} is not allowed", depth),
                     .expected = fmt::format("a whole number from 1 to {}", kMostLayers)});
  }
  return Builder<Real>(network, step, depth, method).build();
}

template <class Real>
Network<Real> network_of(const AttentionForm<Real>& form) {
  check(form.layer);
  base::ensure(form.tau.size() == form.layer.width(), "a form has a time constant of each row");
  if (form.blocks.empty()) {
    throw UserError({.key = "blocks", .problem = "the form has no layers", .expected = "at least one"});
  }
  Network<Real> network;
  std::map<Index, LayerId> layer_at;
  for (const Block& block : form.blocks) {
    std::vector<double> tau;
    for (Index i = block.first; i < block.first + block.neurons; ++i) {
      const Gate<Real> gate = gate_of<Real>(form.method, form.step, form.tau[i], block.residual);
      // Room for gates that were rounded to single precision on their way.
      const auto differs = [](Real a, Real b) { return !(std::abs(a - b) <= Real(1e-5) * std::abs(b)); };
      if (!(form.tau[i] > 0 && std::isfinite(form.tau[i])) || differs(form.layer.keep[i], gate.keep) ||
          differs(form.layer.gate[i], gate.take)) {
        throw UserError(
            {.key = block.name,
             .problem = fmt::format("keep = {} and gate = {} are not those of tau = {} ms and a step "
                                    "of {} ms",
                                    form.layer.keep[i], form.layer.gate[i], form.tau[i], form.step),
             .expected = fmt::format("{} and {}", gate.keep, gate.take)});
      }
      tau.push_back(form.tau[i]);
    }
    dynamics::Layer<Real> layer{.name = block.name, .neurons = block.neurons, .tau = tau.front()};
    if (std::ranges::any_of(tau, [&](double t) { return t != tau.front(); })) layer.tau_of_neuron = tau;
    const Vector<Real> input = form.layer.input.segment(block.first, block.neurons);
    if (!input.isZero(0)) layer.input = dynamics::constant_current<Real>(input);
    layer_at[block.first] = network.add_layer(std::move(layer));
  }
  for (const attention::StoredHead<Real>& head : form.layer.heads) {
    base::ensure(layer_at.contains(head.query) && layer_at.contains(head.output),
                 "a head asks with a block and answers to one");
    dynamics::Layer<Real> memory{.name = head.name,
                                 .neurons = head.memories(),
                                 .lagrangian = dynamics::LogSumExp{head.beta},
                                 .tau = 0};
    if (head.bias.size() > 0) memory.input = dynamics::constant_current<Real>(head.bias);
    const LayerId id = network.add_layer(std::move(memory));
    const LayerId query = layer_at.at(head.query);
    if (head.tied()) {
      network.add_synapse(dynamics::Symmetric<Real>{query, id, head.keys});
    } else {
      network.add_synapse(
          dynamics::KeyValue<Real>{query, id, layer_at.at(head.output), head.keys, head.values});
    }
  }
  for (const Block& block : form.blocks) {
    if (block.residual) {
      const LayerId id = layer_at.at(block.first);
      network.add_synapse(dynamics::Relay<Real>{id, id, 1});
    }
  }
  return network;
}

#define ECPHORY_BRIDGE_FORM(Real)                                                                 \
  template AttentionForm<Real> attention_form<Real>(const Network<Real>&, double, Index, Method); \
  template Network<Real> network_of<Real>(const AttentionForm<Real>&);
ECPHORY_BRIDGE_FORM(float)
ECPHORY_BRIDGE_FORM(double)
#undef ECPHORY_BRIDGE_FORM

}  // namespace ecphory::bridge
