#include <algorithm>

#include "ecphory/dynamics/field.hpp"
#include "ecphory/dynamics/flow.hpp"

namespace ecphory::dynamics {
namespace {

using compute::Index;

template <class Real>
class NeuronFlow final : public Flow<Real> {
 public:
  using typename Flow<Real>::View;
  using typename Flow<Real>::ConstView;

  NeuronFlow(const Network<Real>& network, compute::Device device)
      : network_(network), field_(network, device) {
    bool noisy = false;
    for (const Layer<Real>& layer : network.layers()) {
      if (layer.tau == 0) continue;
      if (layer.tau_of_neuron.empty()) {
        tau_.insert(tau_.end(), static_cast<std::size_t>(layer.neurons), layer.tau);
      } else {
        tau_.insert(tau_.end(), layer.tau_of_neuron.begin(), layer.tau_of_neuron.end());
      }
      noise_.insert(noise_.end(), static_cast<std::size_t>(layer.neurons), layer.noise);
      noisy = noisy || layer.noise.present();
    }
    if (!noisy) noise_.clear();
  }

  const Network<Real>& network() const override { return network_; }
  compute::Device device() const override { return field_.device(); }
  std::span<const Index> ids() const override { return ids_; }
  Index rows() const override { return static_cast<Index>(tau_.size()); }
  const std::vector<double>& tau() const override { return tau_; }
  const std::vector<Noise>& noise() const override { return noise_; }

  void start(std::span<const Index> ids, double t, ConstView neurons, View x) override {
    ids_.assign(ids.begin(), ids.end());
    time_ = t;
    field_.select(ids_, time_);
    if (x.device == compute::kCpu) {
      x.matrix() = neurons.matrix();
      return;
    }
    base::ensure(x.rows == neurons.rows && x.columns == neurons.columns && neurons.stride == neurons.rows &&
                     x.stride == x.rows,
                 "states go to a GPU in one block");
    compute::copy(x.device, x.data, neurons.device, neurons.data,
                  static_cast<std::size_t>(x.rows * x.columns) * sizeof(Real));
  }

  void keep(std::span<const Index> columns) override {
    std::vector<Index> kept;
    for (const Index j : columns) kept.push_back(ids_[static_cast<std::size_t>(j)]);
    ids_ = std::move(kept);
    field_.select(ids_, time_);
  }

  void drive(ConstView x, View d) override { field_.drive(x, d); }

  void neurons(Index, const Real* x, Real* state) const override { std::copy_n(x, rows(), state); }

  void neuron_rate(Index, const Real* x, const Real* d, Real* rate) const override {
    std::transform(d, d + rows(), x, rate, std::minus<>());
  }

 private:
  const Network<Real>& network_;
  Field<Real> field_;
  std::vector<double> tau_;
  std::vector<Noise> noise_;
  std::vector<Index> ids_;
  double time_ = 0;
};

}  // namespace

template <class Real>
std::unique_ptr<Flow<Real>> neuron_flow(const Network<Real>& network, compute::Device device) {
  return std::make_unique<NeuronFlow<Real>>(network, device);
}

template std::unique_ptr<Flow<float>> neuron_flow<float>(const Network<float>&, compute::Device);
template std::unique_ptr<Flow<double>> neuron_flow<double>(const Network<double>&, compute::Device);

}  // namespace ecphory::dynamics
