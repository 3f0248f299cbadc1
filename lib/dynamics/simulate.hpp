#pragma once
// Trajectories of a network, in whole batches.

#include <optional>
#include <vector>

#include "ecphory/base/deadline.hpp"
#include "ecphory/dynamics/event.hpp"
#include "ecphory/dynamics/integrators/integrator.hpp"
#include "ecphory/dynamics/network.hpp"
#include "ecphory/dynamics/recorder.hpp"

namespace ecphory::dynamics {

/// How a trajectory ended.
enum class Status : std::uint8_t {
  reached_end,
  converged,
  event,
  step_limit,      ///< raise max_steps, loosen the tolerances, or use cvode for a stiff network
  step_too_small,  ///< the state changes too fast for any step: it may run away
  not_finite,      ///< NaN or infinite
};
std::span<const std::string_view> names(Status);

/// In which coordinates states are integrated (DESIGN §2.4).
enum class Coordinates {
  automatic,  ///< overlap where the network suits and it is fewer operations, else neuron
  neuron,
  overlap,
};
std::span<const std::string_view> names(Coordinates);

template <class Real>
struct SimulationOptions {
  double duration = 100;  ///< ms
  IntegratorOptions integrator = {};
  double step = 0.1;                   ///< ms, of methods that do not choose their own
  std::int64_t max_steps = 1'000'000;  ///< attempts, for each trajectory
  Coordinates coordinates = Coordinates::automatic;

  std::optional<Convergence> convergence = {};
  std::vector<Event<Real>> events = {};

  std::vector<double> record_times = {};  ///< ms, ascending, within the duration
  std::int64_t record_every = 0;          ///< every k-th step and the start; 0 is off. Needs a recorder
  Recorder<Real>* recorder = nullptr;     ///< nullptr: states at record_times are kept in the result

  compute::Device device = compute::kCpu;  ///< a GPU takes all trajectories at once, or as many as fit

  base::Deadline deadline = {};  ///< after which UserError is thrown between two steps

  compute::Index first_trajectory =
      0;  ///< number of the first trajectory, for the noise: a batch may be run in parts
};

template <class Real>
struct Simulation {
  using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;

  Matrix state;  ///< (rows, trajectories) at the end of each
  std::vector<Status> status;
  std::vector<double> time;         ///< ms, at the end
  std::vector<int> event;           ///< which of the events ended it, −1 for none
  Eigen::MatrixXd event_times;      ///< (events, trajectories) ms, NaN where it has not happened
  std::vector<std::int64_t> steps;  ///< accepted
  std::vector<std::int64_t> rejected;
  Coordinates coordinates;           ///< those used
  std::vector<double> record_times;  ///< ms
  std::optional<MemoryRecorder<Real>> record = {};

  /// Trajectories that ended in step_limit, step_too_small or not_finite.
  compute::Index failures() const;
};

/// Throws UserError, its key a field of the options, for options out of range, for a method or coordinates
/// that cannot do what the network asks of them, and for what has no form for the device: on a GPU, sparse
/// weights, weights that each trajectory has for itself, hypersynapses, entmax, overlap space, and the
/// methods cvode, synchronous and asynchronous. simulate() does the same first.
template <class Real>
void check(const Network<Real>& network, const SimulationOptions<Real>& options);

/// Integrates every column of `initial`, (rows of the network's state, trajectories), from t = 0. Jumps of
/// the input, and the end, are met exactly. Batches are worked on by OpenMP threads, each with one BLAS
/// thread. The numbers of a trajectory depend on its own column, its number and the options alone: not on
/// threads, on the other trajectories or on what is recorded. On a GPU they equal the CPU's to the tolerance
/// of the integration, paths with noise to rounding; products are in the precision of Real unless the calling
/// thread has compute::Tf32Products. Throws UserError, before anything starts, for options or inputs out of
/// range, for a method that cannot do what is asked and for a device that is not there.
template <class Real>
Simulation<Real> simulate(const Network<Real>& network,
                          const Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>& initial,
                          const SimulationOptions<Real>& options);

/// Energies of states, (trajectories), with the input of time t (ms). Throws UserError when the network has
/// none.
template <class Real>
Eigen::Matrix<Real, Eigen::Dynamic, 1> energies(
    const Network<Real>& network, const Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>& states,
    double t = 0);

}  // namespace ecphory::dynamics
