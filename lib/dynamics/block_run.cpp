#include "ecphory/dynamics/block_run.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <boost/math/tools/toms748_solve.hpp>
#include <omp.h>

#include "ecphory/base/exception_slot.hpp"
#include "ecphory/base/finite.hpp"
#include "ecphory/compute/gemm.hpp"
#include "ecphory/dynamics/columns.hpp"

namespace ecphory::dynamics {
namespace {

using compute::Array;
using compute::Index;

/// What is known of one trajectory between steps.
struct Progress {
  double t = 0;
  double next_step = 0;
  double origin = 0;  ///< of the fixed steps: time of the last jump
  std::int64_t steps_from_origin = 0;
  Index next_slot = 0;
  double rate = 0;                                                ///< ‖τ dx/dt‖ / √rows at t
  double below_since = std::numeric_limits<double>::quiet_NaN();  ///< NaN while the rate is above the bound
  bool alive = true;
  std::vector<double> event_values = {};
};

template <class Real>
class BlockRun {
 public:
  BlockRun(Flow<Real>& flow, Integrator<Real>& integrator, const SimulationOptions<Real>& options,
           std::vector<Index> ids, Recorder<Real>* recorder, Simulation<Real>& result)
      : flow_(flow),
        options_(options),
        adaptive_(traits_of(options.integrator.method).adaptive),
        block_ids_(std::move(ids)),
        recorder_(recorder),
        result_(result),
        progress_(block_ids_.size()),
        columns_(flow, integrator, options),
        states_(columns_.on_gpu() ? static_cast<std::size_t>(omp_get_max_threads()) : 1,
                std::vector<Real>(static_cast<std::size_t>(result.state.rows()))),
        recorded_(states_.size()) {}

  /// Runs from `begin` to `end`, between which the input does not jump.
  void segment(double begin, double end, bool last) {
    last_segment_ = last;
    end_ = end;
    start(begin);
    while (!places_.empty()) {
      options_.deadline.check();
      attempt();
      if (columns_.on_gpu()) look_ahead();
      for_each_column([&](std::size_t j) { conclude(j); });
      columns_.settle();
      drop_finished_groups();
    }
    hand_over();
  }

 private:
  /// A state for the recorder.
  struct Recorded {
    Index trajectory;
    Index slot;
    double t;
    std::vector<Real> state;
  };

  Index trajectory(std::size_t column) const { return block_ids_[places_[column]]; }
  Progress& progress(std::size_t column) { return progress_[places_[column]]; }
  bool active(std::size_t column) const {
    const Progress& p = progress_[places_[column]];
    return trajectory(column) >= 0 && p.alive && p.t < end_;
  }

  std::size_t thread() const { return is_shared_ ? static_cast<std::size_t>(omp_get_thread_num()) : 0; }

  /// The neurons of a trajectory that the calling thread looks at.
  std::vector<Real>& state() { return states_[thread()]; }

  /// work(j) for all columns; many on a GPU are shared by all threads.
  template <class Work>
  void for_each_column(const Work& work) {
    constexpr std::size_t kChunk = 512;
    const std::size_t n = places_.size();
    if (!columns_.on_gpu() || n <= kChunk) {
      for (std::size_t j = 0; j < n; ++j) work(j);
      return;
    }
    base::ExceptionSlot exception;
    is_shared_ = true;
#pragma omp parallel for schedule(dynamic) num_threads(states_.size())
    for (std::size_t first = 0; first < n; first += kChunk) {
      exception.run([&] {
        for (std::size_t j = first; j < std::min(n, first + kChunk); ++j) work(j);
      });
    }
    is_shared_ = false;
    exception.rethrow();
  }

  void start(double begin) {
    places_.resize(block_ids_.size());
    for (std::size_t j = 0; j < places_.size(); ++j) places_[j] = j;
    rejected_last_.assign(block_ids_.size(), 0);
    for (std::size_t j = 0; j < places_.size(); ++j) {
      if (trajectory(j) >= 0 && progress(j).alive) progress(j).t = begin;
    }
    drop_finished_groups(false);
    if (places_.empty()) return;
    Array<Real> neurons({result_.state.rows(), static_cast<Index>(places_.size())});
    std::vector<Index> ids;
    for (std::size_t j = 0; j < places_.size(); ++j) {
      const Index id = active(j) ? trajectory(j) : -1;
      ids.push_back(id);
      if (id < 0) {
        neurons.matrix().col(static_cast<Index>(j)).setZero();
      } else {
        neurons.matrix().col(static_cast<Index>(j)) = result_.state.col(id);
      }
    }
    columns_.start(std::move(ids), begin, std::move(neurons));
    for_each_column([&](std::size_t j) {
      if (active(j)) begin_column(j);
    });
    drop_finished_groups();
  }

  void begin_column(std::size_t j) {
    Progress& p = progress(j);
    p.origin = p.t;
    p.steps_from_origin = 0;
    p.next_step = adaptive_ ? first_step(j) : options_.step;
    p.below_since = std::numeric_limits<double>::quiet_NaN();
    columns_.state_before(j, state().data());
    if (base::first_not_finite(std::span<const Real>(state())) || !columns_.finite_at_start(j)) {
      return finish(j, Status::not_finite, p.t);
    }
    if (p.t == 0) {
      if (recording_steps()) put(j, p.t);
      while (slot_due(p, 0)) put(j, 0);
    }
    p.rate = looks_at_rates() ? columns_.rate_at_start(j) : 0;
    p.event_values.resize(options_.events.size());
    for (std::size_t e = 0; e < options_.events.size(); ++e) {
      if (happened(j, e)) continue;
      p.event_values[e] = options_.events[e].value(trajectory(j), p.t, state());
      if (!(p.event_values[e] <= 0)) continue;
      event_time(j, e) = p.t;
      if (options_.events[e].ends) return finish(j, Status::event, p.t, static_cast<int>(e));
    }
    if (options_.convergence && last_segment_ && p.rate <= options_.convergence->bound) {
      p.below_since = p.t;
      if (options_.convergence->hold <= 0) finish(j, Status::converged, p.t);
    }
  }

  /// A hundredth of the time in which the state would change by its own size (Hairer, Nørsett & Wanner,
  /// II.4).
  double first_step(std::size_t j) {
    const auto [of_state, of_rate] = columns_.sizes_at_start(j);
    const double shortest = *std::ranges::min_element(flow_.tau());
    if (!(of_rate > 0) || !(of_state > 0)) return 1e-3 * shortest;
    return std::clamp(0.01 * std::sqrt(of_state / of_rate), 1e-9 * shortest, shortest);
  }

  void attempt() {
    for_each_column([&](std::size_t j) {
      const Progress& p = progress(j);
      const Index id = trajectory(j);
      ColumnStep step{
          .dt = 0, .trajectory = -1, .made = id < 0 ? 0 : result_.steps[static_cast<std::size_t>(id)]};
      if (active(j)) {
        const double left = end_ - p.t;
        step.dt = left <= p.next_step * (1 + 1e-9) ? left : p.next_step;
        step.trajectory = id + options_.first_trajectory;
      }
      columns_.want(j, step, p.t, end_);
    });
    columns_.attempt();
    hand_over();
    columns_.wait();
  }

  /// When the step that was attempted ends.
  double end_of_step(std::size_t j) {
    const Progress& p = progress(j);
    const double dt = columns_.dt(j);
    double t_new = p.t + dt;
    if (!adaptive_) t_new = p.origin + static_cast<double>(p.steps_from_origin + 1) * options_.step;
    if (dt == end_ - p.t || end_ - t_new <= 4 * std::numeric_limits<double>::epsilon() * end_) t_new = end_;
    return t_new;
  }

  bool is_good(std::size_t j) {
    return std::isfinite(columns_.error(j)) && columns_.finite(j) && columns_.error(j) <= 1;
  }

  /// Tells the GPU's columns what conclude() will look at, so that it comes to the CPU in one go.
  void look_ahead() {
    enum Look : std::uint8_t { kNone = 0, kBehind = 1, kWithin = 2 };
    std::vector<std::uint8_t> looks(places_.size(), kNone);
    for_each_column([&](std::size_t j) {
      if (!active(j) || !is_good(j)) return;
      if (looks_behind(j)) looks[j] |= kBehind;
      if (looks_within(j)) looks[j] |= kWithin;
    });
    std::vector<Index> behind;
    std::vector<Index> within;
    for (std::size_t j = 0; j < looks.size(); ++j) {
      if ((looks[j] & kBehind) != 0) behind.push_back(static_cast<Index>(j));
      if ((looks[j] & kWithin) != 0) within.push_back(static_cast<Index>(j));
    }
    columns_.bring(behind, within);
  }

  bool looks_within(std::size_t j) {
    const Progress& p = progress(j);
    const double t_new = end_of_step(j);
    if (slot_due(p, t_new) && options_.record_times[static_cast<std::size_t>(p.next_slot)] < t_new)
      return true;
    for (std::size_t e = 0; e < options_.events.size(); ++e) {
      if (!happened(j, e) && columns_.event_value(e, j).value_or(1) <= 0) return true;
    }
    return looks_at_rates() && below_since(p, columns_.rate(j), t_new) + options_.convergence->hold <= t_new;
  }

  bool looks_behind(std::size_t j) {
    const Progress& p = progress(j);
    const auto id = static_cast<std::size_t>(trajectory(j));
    const double t_new = end_of_step(j);
    if (t_new >= end_ || attempts(id) + 1 >= options_.max_steps) return true;
    if (recording_steps() && (result_.steps[id] + 1) % options_.record_every == 0) return true;
    if (slot_due(p, t_new)) return true;
    for (std::size_t e = 0; e < options_.events.size(); ++e) {
      if (!happened(j, e) && !columns_.event_value(e, j)) return true;
    }
    return false;
  }

  /// Accepts or rejects what was attempted for a column.
  void conclude(std::size_t j) {
    if (!active(j)) return;
    Progress& p = progress(j);
    const auto id = static_cast<std::size_t>(trajectory(j));
    const double dt = columns_.dt(j);
    const bool finite = std::isfinite(columns_.error(j)) && columns_.finite(j);
    if (!finite && !adaptive_) return finish(j, Status::not_finite, p.t + dt);
    if (!finite || columns_.error(j) > 1) return reject(j, finite);

    const double t_new = end_of_step(j);
    ++p.steps_from_origin;
    ++result_.steps[id];
    const double rate = looks_at_rates() ? columns_.rate(j) : 0;
    const auto [t_end, status, event] = first_end(j, t_new, rate);
    while (slot_due(p, t_end)) put(j, options_.record_times[static_cast<std::size_t>(p.next_slot)], t_new);
    if (status == Status::reached_end) {
      if (recording_steps() && result_.steps[id] % options_.record_every == 0) put(j, t_new, t_new);
      p.rate = rate;
      columns_.take(j);
      p.t = t_new;
      const double most = rejected_last_[places_[j]] != 0 ? 1.0 : 5.0;
      if (adaptive_) p.next_step = dt * std::clamp(0.9 * std::pow(columns_.error(j), -0.2), 0.2, most);
      rejected_last_[places_[j]] = 0;
      if (p.t >= end_) {
        columns_.state_behind(j, result_.state.col(trajectory(j)).data());
        if (last_segment_) finish(j, Status::reached_end, p.t);
      } else if (attempts(id) >= options_.max_steps) {
        columns_.state_behind(j, state().data());
        finish(j, Status::step_limit, p.t);
      }
      return;
    }
    at(j, t_end, t_new);
    finish(j, status, t_end, event);
  }

  std::int64_t attempts(std::size_t id) const { return result_.steps[id] + result_.rejected[id]; }

  void reject(std::size_t j, bool finite) {
    Progress& p = progress(j);
    const auto id = static_cast<std::size_t>(trajectory(j));
    ++result_.rejected[id];
    rejected_last_[places_[j]] = 1;
    const double error = columns_.error(j);
    p.next_step = columns_.dt(j) * (finite ? std::clamp(0.9 * std::pow(error, -0.2), 0.2, 1.0) : 0.2);
    const double smallest =
        16 * std::numeric_limits<double>::epsilon() * std::max(p.t, 1e-3 * options_.duration);
    if (p.next_step > smallest && attempts(id) < options_.max_steps) return;
    columns_.state_before(j, state().data());
    const bool nan = std::isnan(error) || (!finite && !std::isinf(error));
    finish(j,
           p.next_step > smallest ? Status::step_limit
           : nan                  ? Status::not_finite
                                  : Status::step_too_small,
           p.t);
  }

  struct End {
    double t;
    Status status;  ///< reached_end: it goes on
    int event;
  };

  /// The first thing in the step from p.t to t_new that ends the trajectory.
  End first_end(std::size_t j, double t_new, double rate) {
    Progress& p = progress(j);
    End first{t_new, Status::reached_end, -1};
    bool at_new = false;  // state() is that of t_new
    for (std::size_t e = 0; e < options_.events.size(); ++e) {
      if (happened(j, e)) continue;
      const double before = p.event_values[e];
      const std::optional<double> known = columns_.event_value(e, j);
      if (!known && !at_new) columns_.state_behind(j, state().data());
      at_new = at_new || !known;
      const double after = known ? *known : options_.events[e].value(trajectory(j), t_new, state());
      p.event_values[e] = after;
      if (!(after <= 0)) continue;
      const double t = root(j, e, before, after, t_new);
      at_new = false;
      event_time(j, e) = t;
      if (options_.events[e].ends && (first.status == Status::reached_end || t < first.t))
        first = {t, Status::event, static_cast<int>(e)};
    }
    if (looks_at_rates()) {
      p.below_since = below_since(p, rate, t_new);
      const double t = p.below_since + options_.convergence->hold;
      if (t <= t_new && (first.status == Status::reached_end || t < first.t))
        first = {t, Status::converged, -1};
    }
    for (std::size_t e = 0; e < options_.events.size(); ++e) {
      if (event_time(j, e) > first.t) event_time(j, e) = std::numeric_limits<double>::quiet_NaN();
    }
    return first;
  }

  /// Since when the rate has been below the bound, at the end of the step to t_new; NaN where it is not.
  double below_since(const Progress& p, double rate, double t_new) const {
    const double bound = options_.convergence->bound;
    if (rate > bound) return std::numeric_limits<double>::quiet_NaN();
    if (!std::isnan(p.below_since)) return p.below_since;
    const double fraction = rate > 0 ? std::log(p.rate / bound) / std::log(p.rate / rate) : 1.0;
    return p.t + fraction * (t_new - p.t);
  }

  bool looks_at_rates() const { return options_.convergence && last_segment_; }

  double& event_time(std::size_t j, std::size_t e) {
    return result_.event_times(static_cast<Index>(e), trajectory(j));
  }
  bool happened(std::size_t j, std::size_t e) { return !std::isnan(event_time(j, e)); }

  double root(std::size_t j, std::size_t event, double before, double after, double t_new) {
    const double t_old = progress(j).t;
    const auto value = [&](double t) {
      at(j, t, t_new);
      return options_.events[event].value(trajectory(j), t, state());
    };
    if (after == 0 || !(before > 0)) return t_new;
    std::uintmax_t most = 100;
    const auto bracket = boost::math::tools::toms748_solve(
        value, t_old, t_new, before, after, boost::math::tools::eps_tolerance<double>(50), most);
    return bracket.second;
  }

  /// state() ← the neurons at a time within the step that ends at t_new.
  void at(std::size_t j, double t, double t_new) {
    if (t < t_new) {
      columns_.state_within(j, (t - progress(j).t) / (t_new - progress(j).t), state().data());
    } else {
      columns_.state_behind(j, state().data());
    }
  }

  bool recording_steps() const { return recorder_ != nullptr && options_.record_every > 0; }

  bool slot_due(const Progress& p, double t) const {
    return recorder_ != nullptr && options_.record_every == 0 &&
           p.next_slot < static_cast<Index>(options_.record_times.size()) &&
           options_.record_times[static_cast<std::size_t>(p.next_slot)] <= t;
  }

  void put(std::size_t j, double t, double t_new) {
    at(j, t, t_new);
    put(j, t);
  }
  void put(std::size_t j, double t) {
    const Index slot = progress(j).next_slot++;
    if (columns_.on_gpu()) {
      recorded_[thread()].push_back({trajectory(j), slot, t, state()});
    } else {
      recorder_->record(trajectory(j), slot, t, state());
    }
  }

  /// Gives the recorder what a GPU's last step has left for it, while the GPU works on the next.
  void hand_over() {
    for (std::vector<Recorded>& of_thread : recorded_) {
      for (const Recorded& r : of_thread) recorder_->record(r.trajectory, r.slot, r.t, r.state);
      of_thread.clear();
    }
  }

  /// Ends a trajectory with what is in state() (at the end of the run: with what is in the result already).
  void finish(std::size_t j, Status status, double t, int event = -1) {
    const Index id = trajectory(j);
    progress(j).alive = false;
    result_.status[static_cast<std::size_t>(id)] = status;
    result_.time[static_cast<std::size_t>(id)] = t;
    result_.event[static_cast<std::size_t>(id)] = event;
    if (status == Status::not_finite && !adaptive_) columns_.state_before(j, state().data());
    if (status != Status::reached_end) {
      std::ranges::copy(state(), result_.state.col(id).data());
    }
  }

  /// Takes away groups of columns in which nothing is left to do: on a GPU, where a group is one column, when
  /// they are half of all.
  void drop_finished_groups(bool move_states = true) {
    std::vector<Index> kept;
    const std::size_t group = columns_.on_gpu() ? 1 : static_cast<std::size_t>(compute::kGemmColumns);
    for (std::size_t first = 0; first < places_.size(); first += group) {
      bool any = false;
      for (std::size_t j = first; j < first + group; ++j) any = any || active(j);
      for (std::size_t j = first; any && j < first + group; ++j) kept.push_back(static_cast<Index>(j));
    }
    if (kept.size() == places_.size()) return;
    if (columns_.on_gpu() && move_states && 2 * kept.size() > places_.size()) return;
    std::vector<std::size_t> places;
    for (const Index j : kept) places.push_back(places_[static_cast<std::size_t>(j)]);
    places_ = std::move(places);
    if (move_states && !kept.empty()) columns_.keep(kept);
  }

  Flow<Real>& flow_;
  const SimulationOptions<Real>& options_;
  bool adaptive_;
  std::vector<Index> block_ids_;
  Recorder<Real>* recorder_;
  Simulation<Real>& result_;
  std::vector<Progress> progress_;           // by place in the block
  std::vector<std::uint8_t> rejected_last_;  // by place in the block; threads write side by side
  std::vector<std::size_t> places_;          // places in the block of the columns at work
  double end_ = 0;
  bool last_segment_ = false;
  Columns<Real> columns_;
  std::vector<std::vector<Real>> states_;        // neurons of one trajectory, by thread
  std::vector<std::vector<Recorded>> recorded_;  // on a GPU, by thread
  bool is_shared_ = false;                       // whether threads share the columns now
};

}  // namespace

template <class Real>
void run_block(Flow<Real>& flow, Integrator<Real>& integrator, const SimulationOptions<Real>& options,
               const std::vector<double>& jumps, std::vector<Index> ids, Recorder<Real>* recorder,
               Simulation<Real>& result) {
  BlockRun<Real> run(flow, integrator, options, std::move(ids), recorder, result);
  for (std::size_t i = 0; i + 1 < jumps.size(); ++i)
    run.segment(jumps[i], jumps[i + 1], i + 2 == jumps.size());
}

template void run_block<float>(Flow<float>&, Integrator<float>&, const SimulationOptions<float>&,
                               const std::vector<double>&, std::vector<Index>, Recorder<float>*,
                               Simulation<float>&);
template void run_block<double>(Flow<double>&, Integrator<double>&, const SimulationOptions<double>&,
                                const std::vector<double>&, std::vector<Index>, Recorder<double>*,
                                Simulation<double>&);

}  // namespace ecphory::dynamics
