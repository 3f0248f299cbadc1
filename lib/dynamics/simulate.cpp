#include "ecphory/dynamics/simulate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>

#include <fmt/format.h>
#include <omp.h>

#include "ecphory/base/exception_slot.hpp"
#include "ecphory/base/finite.hpp"
#include "ecphory/compute/blas.hpp"
#include "ecphory/compute/cuda_memory.hpp"
#include "ecphory/compute/gemm.hpp"
#include "ecphory/dynamics/block_run.hpp"
#include "ecphory/dynamics/connectivity.hpp"
#include "ecphory/dynamics/field.hpp"
#include "ecphory/dynamics/flips.hpp"
#include "ecphory/dynamics/gpu_form.hpp"

namespace ecphory::dynamics {
namespace {

using base::UserError;
using compute::Index;

template <class Real>
using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;

void refuse(const std::string& key, const std::string& problem, const std::string& expected,
            const std::string& remedy = "") {
  throw UserError({.key = key, .problem = problem, .expected = expected, .remedy = remedy});
}

void require_positive(const std::string& key, double value) {
  if (!(value > 0) || !std::isfinite(value))
    refuse(key, fmt::format("{} is not allowed", value), "a finite number > 0");
}

template <class Real>
void check_options(const SimulationOptions<Real>& o) {
  const MethodTraits traits = traits_of(o.integrator.method);
  require_positive("duration", o.duration);
  if (traits.adaptive) {
    require_positive("rtol", o.integrator.rtol);
    require_positive("atol", o.integrator.atol);
  } else {
    require_positive("step", o.step);
  }
  const double temperature = o.integrator.temperature;
  if (!(temperature >= 0) || !std::isfinite(temperature))
    refuse("temperature", fmt::format("{} is not allowed", temperature), "a finite number >= 0");
  if (temperature > 0 && !traits.discrete) {
    refuse("temperature", fmt::format("{} has no temperature", base::name_of(o.integrator.method)),
           "the method synchronous or asynchronous", "choose one of these, or give the layer noise");
  }
  if (temperature > 0 && o.convergence) {
    refuse("convergence", "binary neurons with a temperature never come to rest", "no convergence",
           "leave it out, or set the temperature to 0");
  }
  if (o.max_steps < 1)
    refuse("max_steps", fmt::format("{} is not allowed", o.max_steps), "a whole number >= 1");
  if (o.convergence) {
    require_positive("convergence.bound", o.convergence->bound);
    if (!(o.convergence->hold >= 0)) {
      refuse("convergence.hold", fmt::format("{} is not allowed", o.convergence->hold), "a number >= 0");
    }
  }
  double before = -1;
  for (const double t : o.record_times) {
    if (!(t >= 0 && t <= o.duration)) {
      refuse("record_times", fmt::format("{} ms is outside the run", t),
             fmt::format("0 to {} ms", o.duration));
    }
    if (t <= before)
      refuse("record_times", fmt::format("{} ms comes after {} ms", t, before), "ascending times");
    before = t;
  }
  if (o.record_every < 0)
    refuse("record_every", fmt::format("{} is not allowed", o.record_every), "a whole number >= 0");
  if (o.record_every > 0 && !o.record_times.empty()) {
    refuse("record_every", "states are to be recorded at given times and at every k-th step",
           "one of the two");
  }
  base::ensure(o.record_every == 0 || o.recorder != nullptr, "recording every k-th step needs a recorder");
}

template <class Real>
void check_batch(const Network<Real>& network, const Matrix<Real>& initial) {
  const Index trajectories = initial.cols();
  if (network.rows() == 0) {
    refuse("network", "no layer has a time constant > 0", "at least one",
           "give the layer that is to be followed a tau");
  }
  if (initial.rows() != network.rows() || trajectories < 1) {
    refuse("initial state", fmt::format("{} x {}", initial.rows(), trajectories),
           fmt::format("{} rows and at least one trajectory", network.rows()));
  }
  if (base::first_not_finite(
          std::span<const Real>(initial.data(), static_cast<std::size_t>(initial.size())))) {
    refuse("initial state", "it is not finite", "finite numbers");
  }
  for (const Layer<Real>& layer : network.layers())
    validate(layer.input, layer.name, layer.neurons, trajectories);
  for (const Synapse<Real>& synapse : network.synapses()) {
    for (const Projection<Real>& p : projections_of(synapse)) {
      if (p.w != nullptr && p.w->shape().size() == 3 && p.w->shape()[2] != trajectories) {
        refuse("weights", fmt::format("weights for {} trajectories", p.w->shape()[2]),
               fmt::format("one matrix for each of {} trajectories", trajectories));
      }
    }
  }
}

template <class Real>
Coordinates choose_coordinates(const Network<Real>& network, const SimulationOptions<Real>& options) {
  const MethodTraits traits = traits_of(options.integrator.method);
  bool noisy = false;
  for (const Layer<Real>& layer : network.layers()) noisy = noisy || layer.noise.present();
  if (noisy && !traits.stochastic) {
    refuse("method",
           fmt::format("{} cannot integrate a network with noise", base::name_of(options.integrator.method)),
           "euler_maruyama_ito or heun_stratonovich", "choose one of these, or remove the noise");
  }
  const OverlapSuitability suits = suits_overlap_space(network);
  if (options.integrator.method == Method::asynchronous) {
    if (const std::string reason = unfit_for_flips(network); !reason.empty()) {
      refuse("method", "asynchronous cannot update this network: " + reason,
             "one layer of binary neurons with tau > 0, and synapses that derive from an energy",
             "use synchronous, or a memory of binary neurons");
    }
  }
  if (options.coordinates == Coordinates::overlap && traits.discrete) {
    refuse("coordinates", fmt::format("{} updates neurons", base::name_of(options.integrator.method)),
           "neuron");
  }
  if (options.coordinates == Coordinates::overlap) {
    if (!suits.possible) {
      refuse("coordinates", "this network cannot be integrated in overlap space: " + suits.reason,
             "one quadratic layer with tau > 0 and one instantaneous layer, joined by one symmetric synapse",
             "use coordinates \"neuron\" or \"auto\"");
    }
    return Coordinates::overlap;
  }
  const bool automatic = options.coordinates == Coordinates::automatic && options.device == compute::kCpu;
  return automatic && suits.possible && suits.worth_it && !traits.stochastic && !traits.discrete
             ? Coordinates::overlap
             : Coordinates::neuron;
}

/// 0, the jumps of all inputs and the times at which synapses come and go, within the run, and its end.
template <class Real>
std::vector<double> jumps_of(const Network<Real>& network, double duration) {
  std::set<double> times = {0.0, duration};
  for (const Layer<Real>& layer : network.layers()) {
    for (const double t : layer.input.times) {
      if (t > 0 && t < duration) times.insert(t);
    }
  }
  for (const Lifetime& lifetime : network.lifetimes()) {
    for (const double t : {lifetime.from, lifetime.until}) {
      if (t > 0 && t < duration) times.insert(t);
    }
  }
  return {times.begin(), times.end()};
}

/// Splits trajectories into blocks of whole groups, about `threads` of them or more; place in a group is
/// (number + first) mod the group's size.
std::vector<std::vector<Index>> blocks_of(Index trajectories, Index first, bool one_by_one, Index threads) {
  constexpr Index kGroup = compute::kGemmColumns;
  const Index offset = first % kGroup;
  const Index groups = (trajectories + offset + kGroup - 1) / kGroup;
  const auto group_ids = [&](Index group, auto keep) {
    std::vector<Index> ids;
    for (Index place = 0; place < kGroup; ++place) {
      const Index id = group * kGroup + place - offset;
      ids.push_back(id >= 0 && id < trajectories && keep(id) ? id : -1);
    }
    return ids;
  };
  std::vector<std::vector<Index>> blocks;
  if (one_by_one) {
    for (Index id = 0; id < trajectories; ++id) {
      blocks.push_back(group_ids((id + offset) / kGroup, [&](Index other) { return other == id; }));
    }
    return blocks;
  }
  constexpr Index kMostGroups =
      22;  // 264 columns: products at full speed, states of 1000 neurons within 2 MB
  const Index block_count = std::max((groups + kMostGroups - 1) / kMostGroups, std::min(groups, threads));
  for (Index b = 0; b < block_count; ++b) {
    std::vector<Index> ids;
    for (Index group = b * groups / block_count; group < (b + 1) * groups / block_count; ++group) {
      const std::vector<Index> more = group_ids(group, [](Index) { return true; });
      ids.insert(ids.end(), more.begin(), more.end());
    }
    blocks.push_back(std::move(ids));
  }
  return blocks;
}

/// All trajectories, or parts of them that fit the memory that a GPU has free.
template <class Real>
std::vector<std::vector<Index>> gpu_blocks_of(const Network<Real>& network, Index trajectories,
                                              const SimulationOptions<Real>& options) {
  constexpr double kShare = 0.9;          // the rest is lost between arrays
  constexpr double kOfThread = 64 << 20;  // bytes that the first product takes for itself, and more
  const auto all = static_cast<double>(compute::cuda::free_memory(options.device.index));
  const double free = std::max(kShare * (all - kOfThread), 0.0);
  const auto of_one = static_cast<double>(bytes_of_trajectory(network, options));
  const Index most = std::max<Index>(static_cast<Index>(std::min(free / of_one, 1e9)), 1);
  std::vector<std::vector<Index>> blocks;
  for (Index first = 0; first < trajectories; first += most) {
    std::vector<Index> ids(static_cast<std::size_t>(std::min(most, trajectories - first)));
    std::iota(ids.begin(), ids.end(), first);
    blocks.push_back(std::move(ids));
  }
  return blocks;
}

/// One thread keeps the GPU busy; the weights go there once.
template <class Real>
void run_on_gpu(const Network<Real>& network, const SimulationOptions<Real>& options,
                const std::vector<double>& jumps, Recorder<Real>* recorder, Simulation<Real>& result) {
  const std::unique_ptr<Flow<Real>> flow = neuron_flow(network, options.device);
  const std::unique_ptr<Integrator<Real>> integrator = make_integrator(options.integrator, *flow);
  for (std::vector<Index>& ids : gpu_blocks_of(network, result.state.cols(), options))
    run_block<Real>(*flow, *integrator, options, jumps, std::move(ids), recorder, result);
}

}  // namespace

std::span<const std::string_view> names(Status) {
  static constexpr std::array<std::string_view, 6> kNames = {"reached_end", "converged",      "event",
                                                             "step_limit",  "step_too_small", "not_finite"};
  return kNames;
}

std::span<const std::string_view> names(Coordinates) {
  static constexpr std::array<std::string_view, 3> kNames = {"auto", "neuron", "overlap"};
  return kNames;
}

template <class Real>
Index Simulation<Real>::failures() const {
  return std::ranges::count_if(status, [](Status s) {
    return s == Status::step_limit || s == Status::step_too_small || s == Status::not_finite;
  });
}

template <class Real>
void check(const Network<Real>& network, const SimulationOptions<Real>& options) {
  check_options(options);
  check_connected(network);
  choose_coordinates(network, options);
  check_gpu_form(network, options);
}

template <class Real>
Simulation<Real> simulate(const Network<Real>& network, const Matrix<Real>& initial,
                          const SimulationOptions<Real>& options) {
  check_options(options);
  check_connected(network);
  check_batch(network, initial);
  check_gpu_form(network, options);
  check_device(options.device);
  const compute::SingleThreadedBlas one_blas_thread;
  const auto n = static_cast<std::size_t>(initial.cols());
  Simulation<Real> result{.state = initial,
                          .status = std::vector<Status>(n, Status::reached_end),
                          .time = std::vector<double>(n, 0.0),
                          .event = std::vector<int>(n, -1),
                          .event_times = Eigen::MatrixXd::Constant(static_cast<Index>(options.events.size()),
                                                                   initial.cols(), std::nan("")),
                          .steps = std::vector<std::int64_t>(n, 0),
                          .rejected = std::vector<std::int64_t>(n, 0),
                          .coordinates = choose_coordinates(network, options),
                          .record_times = options.record_times};
  Recorder<Real>* recorder = options.recorder;
  if (recorder == nullptr && !options.record_times.empty()) {
    recorder = &result.record.emplace(network.rows(), static_cast<Index>(options.record_times.size()),
                                      initial.cols());
  }
  const std::vector<double> jumps = jumps_of(network, options.duration);
  if (options.device != compute::kCpu) {
    run_on_gpu(network, options, jumps, recorder, result);
    return result;
  }
  const bool overlap = result.coordinates == Coordinates::overlap;
  const Weights<Real> gram = overlap ? gram_of(network) : nullptr;
  const auto blocks =
      blocks_of(initial.cols(), options.first_trajectory, traits_of(options.integrator.method).one_by_one,
                omp_in_parallel() != 0 ? 1 : omp_get_max_threads());

  base::ExceptionSlot exception;
#pragma omp parallel for schedule(dynamic) if (blocks.size() > 1)
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    exception.run([&] {
      const std::unique_ptr<Flow<Real>> flow = overlap ? overlap_flow(network, gram) : neuron_flow(network);
      const std::unique_ptr<Integrator<Real>> integrator = make_integrator(options.integrator, *flow);
      run_block<Real>(*flow, *integrator, options, jumps, blocks[b], recorder, result);
    });
  }
  exception.rethrow();
  return result;
}

template <class Real>
Eigen::Matrix<Real, Eigen::Dynamic, 1> energies(const Network<Real>& network, const Matrix<Real>& states,
                                                double t) {
  Field<Real> field(network);
  std::vector<Index> ids(static_cast<std::size_t>(states.cols()));
  for (std::size_t j = 0; j < ids.size(); ++j) ids[j] = static_cast<Index>(j);
  field.select(ids, t);
  Eigen::Matrix<Real, Eigen::Dynamic, 1> e(states.cols());
  field.energy({states.data(), states.rows(), states.cols(), states.rows()}, {e.data(), 1, states.cols(), 1});
  return e;
}

template struct Simulation<float>;
template struct Simulation<double>;
template void check<float>(const Network<float>&, const SimulationOptions<float>&);
template void check<double>(const Network<double>&, const SimulationOptions<double>&);
template Simulation<float> simulate<float>(const Network<float>&, const Matrix<float>&,
                                           const SimulationOptions<float>&);
template Simulation<double> simulate<double>(const Network<double>&, const Matrix<double>&,
                                             const SimulationOptions<double>&);
template Eigen::VectorXf energies<float>(const Network<float>&, const Matrix<float>&, double);
template Eigen::VectorXd energies<double>(const Network<double>&, const Matrix<double>&, double);

}  // namespace ecphory::dynamics
