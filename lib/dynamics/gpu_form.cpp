#include "ecphory/dynamics/gpu_form.hpp"

#include <fmt/format.h>

#include "ecphory/base/error.hpp"

namespace ecphory::dynamics {
namespace {

using base::UserError;

constexpr const char* kOnCpu = "run it on the CPU (--device cpu)";

/// What a projection is, where it has no form for a GPU.
template <class Real>
std::string kind_of(const Projection<Real>& p) {
  if (p.hyper != nullptr) return p.hyper->name();
  if (p.sparse != nullptr) return "sparse";
  return "of weights that each trajectory has for itself";
}

}  // namespace

template <class Real>
void check_gpu_form(const Network<Real>& network, const SimulationOptions<Real>& options) {
  if (options.device == compute::kCpu) return;
  const MethodTraits traits = traits_of(options.integrator.method);
  if (traits.one_by_one || traits.discrete) {
    throw UserError(
        {.key = "method",
         .problem = fmt::format("{} does not run on a GPU", base::name_of(options.integrator.method)),
         .expected = "an explicit, exponential or stochastic method",
         .remedy =
             fmt::format("choose {}, or {}",
                         traits.one_by_one ? "dormand_prince" : "a method in continuous time", kOnCpu)});
  }
  if (options.coordinates == Coordinates::overlap) {
    throw UserError({.key = "coordinates",
                     .problem = "overlap space is not on a GPU",
                     .expected = "neuron or auto",
                     .remedy = fmt::format("use coordinates \"auto\", or {}", kOnCpu)});
  }
  for (const Layer<Real>& layer : network.layers()) {
    if (runs_on_gpu(layer.lagrangian)) continue;
    throw UserError({.key = "device",
                     .problem = fmt::format("the Lagrangian of layer {} is {}, which has no form for a GPU",
                                            layer.name, traits_of(layer.lagrangian).name),
                     .expected = "any other Lagrangian",
                     .remedy = fmt::format("use log-sum-exp, or {}", kOnCpu)});
  }
  for (const Synapse<Real>& synapse : network.synapses()) {
    for (const Projection<Real>& p : projections_of(synapse)) {
      if (has_gpu_form(p)) continue;
      throw UserError({.key = "device",
                       .problem = fmt::format("the synapse from {} to {} is {}, which has no form for a GPU",
                                              network.layers()[p.pre.front()].name,
                                              network.layers()[p.post].name, kind_of(p)),
                       .expected = "dense weights that all trajectories share, or relays",
                       .remedy = kOnCpu});
    }
  }
}

void check_device(compute::Device device) {
  if (device == compute::kCpu || device.index < compute::cuda_device_count()) return;
  throw UserError({.key = "device",
                   .problem = compute::cuda_version() == "none"
                                  ? std::string("this build of Ecphory has no CUDA")
                                  : fmt::format("{} is not there", compute::to_string(device)),
                   .expected = "a GPU that nvidia-smi lists, and a build with the preset `cuda`",
                   .remedy = kOnCpu});
}

/// Counted in states of the whole network: four that hold the trajectories; five of Dormand & Prince's method
/// and at most ten of its stepper, or at most seven of another method; two for what comes to the CPU and for
/// what is left when columns are taken away. In layers: state, output and current.
template <class Real>
std::size_t bytes_of_trajectory(const Network<Real>& network, const SimulationOptions<Real>& options) {
  const compute::Index states = options.integrator.method == Method::dormand_prince ? 21 : 13;
  compute::Index numbers = states * network.rows();
  for (const Layer<Real>& layer : network.layers()) numbers += 3 * layer.neurons;
  for (const Event<Real>& event : options.events)
    if (event.cosine_distance != nullptr) numbers += event.cosine_distance->directions.rows();
  return static_cast<std::size_t>(numbers) * sizeof(Real) + sizeof(ColumnStep) +
         (8 + options.events.size()) * sizeof(double);
}

template void check_gpu_form<float>(const Network<float>&, const SimulationOptions<float>&);
template void check_gpu_form<double>(const Network<double>&, const SimulationOptions<double>&);
template std::size_t bytes_of_trajectory<float>(const Network<float>&, const SimulationOptions<float>&);
template std::size_t bytes_of_trajectory<double>(const Network<double>&, const SimulationOptions<double>&);

}  // namespace ecphory::dynamics
