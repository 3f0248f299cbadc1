#include "ecphory/dynamics/field.hpp"

#include <map>

#include "ecphory/base/error.hpp"
#include "ecphory/compute/axpby.hpp"
#include "ecphory/compute/fill.hpp"
#include "ecphory/compute/gemm.hpp"

namespace ecphory::dynamics {

using compute::Array;
using compute::Index;

template <class Real>
Field<Real>::Field(const Network<Real>& network, compute::Device device)
    : network_(network),
      device_(device),
      drivers_(network.layers().size()),
      currents_(network.layers().size()),
      output_memory_(network.layers().size()),
      state_memory_(network.layers().size()),
      states_(network.layers().size()),
      outputs_(network.layers().size()),
      state_tangent_memory_(network.layers().size()),
      output_tangent_memory_(network.layers().size()),
      output_tangents_(network.layers().size()) {
  std::map<const Array<Real>*, Weights<Real>> there;
  for (std::size_t k = 0; k < network.synapses().size(); ++k) {
    for (Projection<Real>& p : projections_of(network.synapses()[k])) {
      const LayerId post = p.post;
      if (device_ != compute::kCpu && p.w != nullptr) {
        Weights<Real>& copied = there[p.w.get()];
        if (copied == nullptr) copied = std::make_shared<Array<Real>>(p.w->to(device_));
        p.w = copied;
      }
      drivers_[post].push_back({std::move(p), network.lifetimes()[k]});
    }
  }
}

template <class Real>
void Field<Real>::select(std::span<const Index> ids, double t) {
  ids_.assign(ids.begin(), ids.end());
  time_ = t;
  for (LayerId layer = 0; layer < network_.layers().size(); ++layer) {
    currents_[layer] = current_of(network_.layers()[layer]);
  }
}

template <class Real>
Array<Real> Field<Real>::current_of(const Layer<Real>& layer) const {
  const auto* const value = layer.input.at(time_);
  if (value == nullptr) return {};
  Array<Real> all({layer.neurons, static_cast<Index>(ids_.size())});
  auto current = all.matrix();
  for (Index j = 0; j < all.columns(); ++j) {
    const Index id = ids_[static_cast<std::size_t>(j)];
    if (id < 0) {
      current.col(j).setZero();
    } else {
      current.col(j) = value->col(value->cols() == 1 ? 0 : id);
    }
  }
  return device_ == compute::kCpu ? std::move(all) : all.to(device_);
}

template <class Real>
typename Field<Real>::View Field<Real>::buffer(std::vector<Array<Real>>& buffers, LayerId layer) {
  const std::vector<Index> shape = {network_.layers()[layer].neurons, static_cast<Index>(ids_.size())};
  if (buffers[layer].shape() != shape) buffers[layer] = Array<Real>(shape, device_);
  return buffers[layer];
}

template <class Real>
void Field<Real>::add_drives(LayerId layer, View d) {
  if (device_ != compute::kCpu) return add_drives_on_gpu(layer, d);
  if (currents_[layer].size() > 0) {
    d.matrix() = currents_[layer].matrix();
  } else {
    d.matrix().setZero();
  }
  for (const Driver& driver : drivers_[layer]) {
    if (driver.lifetime.holds(time_)) add_drive<Real>(driver.projection, outputs_, ids_, d);
  }
}

/// d ← I + Σ drives. Without a current, the first product overwrites d.
template <class Real>
void Field<Real>::add_drives_on_gpu(LayerId layer, View d) {
  bool is_empty = currents_[layer].size() == 0;
  if (!is_empty) compute::axpby<Real>(1, currents_[layer], 0, d);
  for (const Driver& driver : drivers_[layer]) {
    const Projection<Real>& p = driver.projection;
    if (!driver.lifetime.holds(time_)) continue;
    if (!is_empty) {
      add_drive<Real>(p, outputs_, ids_, d);
    } else if (p.w == nullptr) {
      compute::axpby<Real>(p.gain, outputs_[p.pre.front()], 0, d);
    } else {
      compute::gemm<Real>(p.transposed ? compute::Transpose::yes : compute::Transpose::no,
                          compute::Transpose::no, 1, *p.w, outputs_[p.pre.front()], 0, d);
    }
    is_empty = false;
  }
  if (is_empty) compute::fill<Real>(0, d);
}

/// States and outputs of all layers: those of the state first, then the instantaneous ones in their order.
template <class Real>
void Field<Real>::evaluate(ConstView x) {
  base::ensure(
      x.rows == network_.rows() && x.columns == static_cast<Index>(ids_.size()) && x.device == device_,
      "the state has the network's rows and the selected columns");
  const auto& layers = network_.layers();
  const auto put_output = [&](LayerId layer) {
    if (std::holds_alternative<Quadratic>(layers[layer].lagrangian)) {
      outputs_[layer] = states_[layer];
      return;
    }
    const bool in_place = device_ != compute::kCpu && layers[layer].tau == 0;
    const View g = buffer(in_place ? state_memory_ : output_memory_, layer);
    gradient<Real>(layers[layer].lagrangian, states_[layer], g);
    outputs_[layer] = g;
  };
  for (LayerId layer = 0; layer < layers.size(); ++layer) {
    if (layers[layer].tau == 0) continue;
    states_[layer] = x.middle_rows(network_.first_row(layer), layers[layer].neurons);
    put_output(layer);
  }
  for (const LayerId layer : network_.instantaneous_order()) {
    const View state = buffer(state_memory_, layer);
    add_drives(layer, state);
    states_[layer] = state;
    put_output(layer);
  }
}

template <class Real>
void Field<Real>::drive(ConstView x, View d) {
  evaluate(x);
  for (LayerId layer = 0; layer < network_.layers().size(); ++layer) {
    const Layer<Real>& l = network_.layers()[layer];
    if (l.tau > 0) add_drives(layer, d.middle_rows(network_.first_row(layer), l.neurons));
  }
}

template <class Real>
typename Field<Real>::ConstView Field<Real>::output_tangent(LayerId layer, ConstView state_tangent) {
  const Lagrangian& lagrangian = network_.layers()[layer].lagrangian;
  if (std::holds_alternative<Quadratic>(lagrangian)) return state_tangent;
  const View tangent = buffer(output_tangent_memory_, layer);
  hessian_times<Real>(lagrangian, states_[layer], state_tangent, tangent);
  return tangent;
}

template <class Real>
void Field<Real>::drive_tangent(ConstView u, View du) {
  const auto& layers = network_.layers();
  base::ensure(u.rows == network_.rows() && u.columns == static_cast<Index>(ids_.size()),
               "directions have the network's rows and the selected columns");
  const auto propagate = [&](LayerId layer, View d) {
    d.matrix().setZero();
    for (const Driver& driver : drivers_[layer]) {
      if (driver.lifetime.holds(time_))
        add_drive_tangent<Real>(driver.projection, outputs_, output_tangents_, ids_, d);
    }
  };
  for (LayerId layer = 0; layer < layers.size(); ++layer) {
    if (layers[layer].tau == 0) continue;
    output_tangents_[layer] =
        output_tangent(layer, u.middle_rows(network_.first_row(layer), layers[layer].neurons));
  }
  for (const LayerId layer : network_.instantaneous_order()) {
    const View state_tangent = buffer(state_tangent_memory_, layer);
    propagate(layer, state_tangent);
    output_tangents_[layer] = output_tangent(layer, state_tangent);
  }
  for (LayerId layer = 0; layer < layers.size(); ++layer) {
    if (layers[layer].tau > 0)
      propagate(layer, du.middle_rows(network_.first_row(layer), layers[layer].neurons));
  }
}

template <class Real>
void Field<Real>::energy(ConstView x, View e) {
  ensure_energy();
  evaluate(x);
  Array<Real> term({1, x.columns});
  auto total = e.matrix();
  total.setZero();
  for (LayerId layer = 0; layer < network_.layers().size(); ++layer) {
    value<Real>(network_.layers()[layer].lagrangian, states_[layer], term);
    total += states_[layer].matrix().cwiseProduct(outputs_[layer].matrix()).colwise().sum() - term.matrix();
    if (currents_[layer].size() > 0) {
      total -= currents_[layer].matrix().cwiseProduct(outputs_[layer].matrix()).colwise().sum();
    }
  }
  for (std::size_t k = 0; k < network_.synapses().size(); ++k) {
    if (network_.lifetimes()[k].holds(time_)) add_energy<Real>(network_.synapses()[k], outputs_, ids_, e);
  }
}

template <class Real>
void Field<Real>::energy_slope(ConstView x, View slope) {
  ensure_energy();
  Array<Real> rate({x.rows, x.columns});
  drive(x, rate);
  rate.matrix() -= x.matrix();  // τ dx/dt
  auto total = slope.matrix();
  total.setZero();
  for (LayerId layer = 0; layer < network_.layers().size(); ++layer) {
    const Layer<Real>& l = network_.layers()[layer];
    if (l.tau == 0) continue;  // E is stationary in the state of an instantaneous layer
    const ConstView u = ConstView(View(rate)).middle_rows(network_.first_row(layer), l.neurons);
    Array<Real> hu({l.neurons, x.columns});
    hessian_times<Real>(l.lagrangian, states_[layer], u, hu);
    if (l.tau_of_neuron.empty()) {
      total -= hu.matrix().cwiseProduct(u.matrix()).colwise().sum() / static_cast<Real>(l.tau);
    } else {  // u is T ẋ with T = diag(τ): dE/dt = −(T ẋ)ᵀ ∇²L ẋ
      Array<Real> rates({l.neurons, x.columns});
      for (Index i = 0; i < l.neurons; ++i)
        rates.matrix().row(i) =
            u.matrix().row(i) / static_cast<Real>(l.tau_of_neuron[static_cast<std::size_t>(i)]);
      hessian_times<Real>(l.lagrangian, states_[layer], rates, hu);
      total -= hu.matrix().cwiseProduct(u.matrix()).colwise().sum();
    }
  }
}

template <class Real>
void Field<Real>::ensure_energy() const {
  for (const Synapse<Real>& synapse : network_.synapses()) {
    if (has_energy(synapse)) continue;
    const Projection<Real> p = projections_of(synapse).front();
    throw base::UserError(
        {.key = network_.layers()[p.pre.front()].name + " -> " + network_.layers()[p.post].name,
         .problem = "the network has no energy: this synapse " +
                    (p.hyper != nullptr ? "is " + p.hyper->name() : std::string("goes one way")),
         .expected = "synapses that derive from an energy only",
         .remedy = "ask for no energy, or make the synapse symmetric"});
  }
}

template class Field<float>;
template class Field<double>;

}  // namespace ecphory::dynamics
