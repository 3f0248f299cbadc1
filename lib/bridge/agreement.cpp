#include "ecphory/bridge/agreement.hpp"

#include <cmath>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"

namespace ecphory::bridge {

using compute::Array;
using dynamics::Network;

template <class Real>
using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;

template <class Real>
Matrix<Real> rows_of(const AttentionForm<Real>& form, const Network<Real>& network,
                     const Matrix<Real>& states) {
  Matrix<Real> rows(form.layer.width(), states.cols());
  for (const Block& block : form.blocks) {
    const dynamics::LayerId id = network.find(block.name);
    if (network.layers()[id].neurons != block.neurons || network.layers()[id].tau == 0) {
      throw base::UserError({.key = block.name,
                             .problem = "the attention layers are not of this network",
                             .expected = fmt::format("a layer of {} neurons with tau > 0", block.neurons)});
    }
    rows.middleRows(block.first, block.neurons) = states.middleRows(network.first_row(id), block.neurons);
  }
  return rows;
}

template <class Real>
std::vector<double> deviations(const Network<Real>& network, const AttentionForm<Real>& form,
                               const Matrix<Real>& initial, dynamics::SimulationOptions<Real> options) {
  if (!std::isfinite(form.step)) {
    throw base::UserError({.key = "step",
                           .problem = "a step without end cannot be integrated",
                           .expected = "a finite step, in ms"});
  }
  options.duration = static_cast<double>(form.depth) * form.step;
  options.coordinates = dynamics::Coordinates::neuron;
  options.record_times.clear();
  options.record_every = 0;
  options.recorder = nullptr;
  for (Index k = 1; k <= form.depth; ++k) options.record_times.push_back(static_cast<double>(k) * form.step);
  const dynamics::Simulation<Real> run = dynamics::simulate<Real>(network, initial, options);
  if (run.failures() > 0) {
    throw base::UserError({.problem = fmt::format("{} of {} trajectories could not be integrated to the end",
                                                  run.failures(), initial.cols()),
                           .remedy = "a smaller step, or another method"});
  }
  Array<Real> start({form.layer.width(), initial.cols()});
  start.matrix() = rows_of(form, network, initial);
  Array<Real> x = start.to(options.device);
  attention::StoredAttentionStack<Real> stack(form.layer, initial.cols(), options.device);
  std::vector<double> deviation;
  for (Index k = 0; k < form.depth; ++k) {
    stack.forward(x);
    const Array<Real> layers = x.to(compute::kCpu);
    double difference = 0;
    double size = 0;
    for (Index j = 0; j < initial.cols(); ++j) {
      const Matrix<Real> course = run.record->trajectory(j).col(k);
      const Matrix<Real> simulated = rows_of(form, network, course);
      difference = std::max(difference,
                            static_cast<double>((simulated - layers.matrix().col(j)).cwiseAbs().maxCoeff()));
      size = std::max(size, static_cast<double>(simulated.cwiseAbs().maxCoeff()));
    }
    deviation.push_back(size > 0 ? difference / size : difference);
  }
  return deviation;
}

#define ECPHORY_BRIDGE_AGREEMENT(Real)                                                                   \
  template std::vector<double> deviations<Real>(const Network<Real>&, const AttentionForm<Real>&,        \
                                                const Matrix<Real>&, dynamics::SimulationOptions<Real>); \
  template Matrix<Real> rows_of<Real>(const AttentionForm<Real>&, const Network<Real>&, const Matrix<Real>&);
ECPHORY_BRIDGE_AGREEMENT(float)
ECPHORY_BRIDGE_AGREEMENT(double)
#undef ECPHORY_BRIDGE_AGREEMENT

}  // namespace ecphory::bridge
