#pragma once
// The trajectories at work side by side, on one device: their states and drives, and what an attempt at a
// step makes of them. What control asks for of a column, it gets on the CPU. Inside lib/dynamics only.

#include <optional>
#include <vector>

#include "ecphory/compute/graph.hpp"
#include "ecphory/dynamics/simulate.hpp"

namespace ecphory::dynamics {

template <class Real>
class Columns {
 public:
  using View = compute::View<Real>;
  using ConstView = compute::View<const Real>;

  /// Flow, integrator and options must outlive it.
  Columns(Flow<Real>& flow, Integrator<Real>& integrator, const SimulationOptions<Real>& options);

  bool on_gpu() const { return device_ != compute::kCpu; }

  /// Starts at time t (ms): column j is trajectory ids[j] (below 0: none), with the neurons' state
  /// neurons(:, j), on the CPU.
  void start(std::vector<compute::Index> ids, double t, compute::Array<Real> neurons);

  /// From here on there are only these of the columns.
  void keep(const std::vector<compute::Index>& columns);

  /// What the next attempt shall do with a column: a step from time t, and not past `limit` (ms).
  void want(std::size_t column, const ColumnStep& step, double t, double limit);

  /// Attempts a step of all columns. On a GPU that only begins, and wait() ends it.
  void attempt();
  void wait();

  // Of the start.
  bool finite_at_start(std::size_t column);
  double rate_at_start(std::size_t column);  ///< ‖τ dv/dt‖/√rows of the neurons
  /// Σ (x/s)² and Σ (dx/dt / s)² for s = atol + rtol |x|.
  struct Sizes {
    double of_state;
    double of_rate;
  };
  Sizes sizes_at_start(std::size_t column);

  // Of the last attempt.
  double dt(std::size_t column) const { return steps_[column].dt; }
  double error(std::size_t column) const;
  bool finite(std::size_t column);  ///< the states, and their drives
  double rate(std::size_t column);
  /// The value of an event at the end of the step, where the device knows it.
  std::optional<double> event_value(std::size_t event, std::size_t column) const;

  /// The neurons' state before the last attempt, behind it, and within it, after the fraction theta. On a GPU
  /// threads may ask side by side, and take().
  void state_before(std::size_t column, Real* state);
  void state_behind(std::size_t column, Real* state);
  void state_within(std::size_t column, double theta, Real* state);

  /// On a GPU: says of which columns the state behind, or within, the last attempt will be asked for. They
  /// come to the CPU in one go, all others one by one.
  void bring(const std::vector<compute::Index>& behind, const std::vector<compute::Index>& within);

  /// The states and drives of a column shall be those behind the attempt, at the latest with settle().
  void take(std::size_t column);
  void settle();

 private:
  /// Columns of some matrices on the CPU.
  struct Fetched {
    std::vector<compute::Index> places = {};  // by column: where it is; −1 where it is not
    std::vector<compute::Array<Real>> matrices = {};
  };

  void allocate(compute::Index n);
  void find_targets();
  Attempt<Real> current();
  void attempt_on_gpu();
  double rate_of(std::size_t column, const compute::Array<Real>& x, const compute::Array<Real>& d);
  compute::View<double> reading(compute::Index row);
  double reading(compute::Index row, std::size_t column) const {
    return readings_.matrix()(row, index(column));
  }
  ConstView output_for(std::size_t event);
  Fetched fetch(const std::vector<compute::Index>& columns, const std::vector<ConstView>& from) const;
  void neurons(std::size_t column, const compute::Array<Real>& x, Real* state);
  static compute::Index index(std::size_t column) { return static_cast<compute::Index>(column); }

  Flow<Real>& flow_;
  Integrator<Real>& integrator_;
  const SimulationOptions<Real>& options_;
  compute::Device device_;
  std::vector<compute::Index> ids_;
  compute::Array<Real> x_, d_, x_new_, d_new_;  // (rows of the flow, columns)
  std::vector<ColumnStep> steps_;
  std::vector<double> t_, limit_, error_;
  std::vector<ConstView> dense_;  // of the last attempt; on the CPU
  std::vector<Real> rate_;        // of its neurons

  // On a GPU.
  compute::Array<double> tau_on_device_;
  compute::Array<ColumnStep> steps_on_device_;
  compute::Array<double> readings_on_device_, readings_;  // (error, finite, rate, events …; columns)
  compute::Array<double> sizes_;                          // (2, columns) at the start
  std::optional<compute::Array<Real>> start_;             // the neurons' states at the start
  std::vector<compute::Array<Real>> directions_;          // of events, where they have them
  std::vector<compute::Array<std::int32_t>> targets_;
  std::vector<compute::Array<Real>> outputs_;
  std::vector<std::int32_t> taken_;
  Fetched behind_, within_;
  bool is_warm_ = false;
  std::optional<compute::Graph> graph_;
};

extern template class Columns<float>;
extern template class Columns<double>;

}  // namespace ecphory::dynamics
