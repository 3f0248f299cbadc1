#include "ecphory/dynamics/block_run.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <boost/math/tools/toms748_solve.hpp>

#include "ecphory/base/finite.hpp"
#include "ecphory/compute/gemm.hpp"

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
        integrator_(integrator),
        options_(options),
        adaptive_(traits_of(options.integrator.method).adaptive),
        block_ids_(std::move(ids)),
        recorder_(recorder),
        result_(result),
        progress_(block_ids_.size()),
        state_(static_cast<std::size_t>(result.state.rows())),
        rate_(state_.size()),
        coordinates_(static_cast<std::size_t>(flow.rows())) {}

  /// Runs from `begin` to `end`, between which the input does not jump.
  void segment(double begin, double end, bool last) {
    last_segment_ = last;
    end_ = end;
    start(begin);
    while (!columns_.empty()) {
      options_.deadline.check();
      attempt();
      for (std::size_t j = 0; j < columns_.size(); ++j) conclude(j);
      drop_finished_groups();
    }
  }

 private:
  using View = compute::View<Real>;
  using ConstView = compute::View<const Real>;

  Index trajectory(std::size_t column) const { return block_ids_[columns_[column]]; }
  Progress& progress(std::size_t column) { return progress_[columns_[column]]; }
  bool active(std::size_t column) const {
    const Progress& p = progress_[columns_[column]];
    return trajectory(column) >= 0 && p.alive && p.t < end_;
  }

  void start(double begin) {
    columns_.resize(block_ids_.size());
    for (std::size_t j = 0; j < columns_.size(); ++j) columns_[j] = j;
    for (std::size_t j = 0; j < columns_.size(); ++j) {
      if (trajectory(j) >= 0 && progress(j).alive) progress(j).t = begin;
    }
    drop_finished_groups(false);
    const auto n = static_cast<Index>(columns_.size());
    if (n == 0) return;
    Array<Real> neurons({result_.state.rows(), n});
    std::vector<Index> ids;
    for (std::size_t j = 0; j < columns_.size(); ++j) {
      const Index id = active(j) ? trajectory(j) : -1;
      ids.push_back(id);
      if (id < 0) {
        neurons.matrix().col(static_cast<Index>(j)).setZero();
      } else {
        neurons.matrix().col(static_cast<Index>(j)) = result_.state.col(id);
      }
    }
    allocate(n);
    flow_.start(ids, begin, neurons, x_);
    flow_.drive(x_, d_);
    integrator_.restart();
    for (std::size_t j = 0; j < columns_.size(); ++j) {
      if (active(j)) begin_column(j);
    }
    drop_finished_groups();
  }

  void begin_column(std::size_t j) {
    Progress& p = progress(j);
    p.origin = p.t;
    p.steps_from_origin = 0;
    p.next_step = adaptive_ ? first_step(j) : options_.step;
    p.below_since = std::numeric_limits<double>::quiet_NaN();
    const Real* const x = ConstView(View(x_)).column(static_cast<Index>(j));
    flow_.neurons(static_cast<Index>(j), x, state_.data());
    if (base::first_not_finite(std::span<const Real>(state_)) ||
        base::first_not_finite(std::span<const Real>(d_.data() + static_cast<Index>(j) * d_.rows(),
                                                     static_cast<std::size_t>(d_.rows())))) {
      return finish(j, Status::not_finite, p.t);
    }
    if (p.t == 0) {
      if (recording_steps()) put(j, p.t);
      while (slot_due(p, 0)) put(j, 0);
    }
    p.rate = rate_of(j, x, d_.data() + static_cast<Index>(j) * d_.rows());
    p.event_values.resize(options_.events.size());
    for (std::size_t e = 0; e < options_.events.size(); ++e) {
      if (happened(j, e)) continue;
      p.event_values[e] = options_.events[e].value(trajectory(j), p.t, state_);
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
  double first_step(std::size_t j) const {
    const std::vector<double>& tau = flow_.tau();
    double of_state = 0;
    double of_rate = 0;
    for (Index i = 0; i < x_.rows(); ++i) {
      const auto x = static_cast<double>(x_.data()[static_cast<Index>(j) * x_.rows() + i]);
      const auto d = static_cast<double>(d_.data()[static_cast<Index>(j) * x_.rows() + i]);
      const double scale = options_.integrator.atol + options_.integrator.rtol * std::abs(x);
      of_state += (x / scale) * (x / scale);
      const double rate = (d - x) / tau[static_cast<std::size_t>(i)] / scale;
      of_rate += rate * rate;
    }
    const double shortest = *std::ranges::min_element(tau);
    if (!(of_rate > 0) || !(of_state > 0)) return 1e-3 * shortest;
    return std::clamp(0.01 * std::sqrt(of_state / of_rate), 1e-9 * shortest, shortest);
  }

  void attempt() {
    const std::size_t n = columns_.size();
    dt_.assign(n, 0.0);
    t_.resize(n);
    steps_.resize(n);
    numbers_.resize(n);
    limit_.assign(n, end_);
    error_.assign(n, 0.0);
    for (std::size_t j = 0; j < n; ++j) {
      const Progress& p = progress(j);
      const Index id = trajectory(j);
      t_[j] = p.t;
      numbers_[j] = active(j) ? id + options_.first_trajectory : -1;
      steps_[j] = id < 0 ? 0 : result_.steps[static_cast<std::size_t>(id)];
      if (!active(j)) continue;
      const double left = end_ - p.t;
      dt_[j] = left <= p.next_step * (1 + 1e-9) ? left : p.next_step;
    }
    integrator_.attempt(flow_, current());
  }

  Attempt<Real> current() {
    return {.x = ConstView(View(x_)),
            .d = ConstView(View(d_)),
            .ids = numbers_,
            .steps = steps_,
            .t = t_,
            .limit = limit_,
            .dt = dt_,
            .x_new = x_new_,
            .d_new = d_new_,
            .error = error_};
  }

  /// Accepts or rejects what was attempted for a column.
  void conclude(std::size_t j) {
    if (!active(j)) return;
    Progress& p = progress(j);
    const auto id = static_cast<std::size_t>(trajectory(j));
    const auto rows = static_cast<std::size_t>(x_.rows());
    const Real* const x_new = x_new_.data() + static_cast<Index>(j) * x_.rows();
    const Real* const d_new = d_new_.data() + static_cast<Index>(j) * x_.rows();
    const bool finite = std::isfinite(error_[j]) &&
                        !base::first_not_finite(std::span<const Real>(x_new, rows)) &&
                        !base::first_not_finite(std::span<const Real>(d_new, rows));
    if (!finite && !adaptive_) return finish(j, Status::not_finite, p.t + dt_[j]);
    if (!finite || error_[j] > 1) return reject(j, finite);

    double t_new = p.t + dt_[j];
    ++p.steps_from_origin;
    if (!adaptive_) t_new = p.origin + static_cast<double>(p.steps_from_origin) * options_.step;
    if (dt_[j] == end_ - p.t || end_ - t_new <= 4 * std::numeric_limits<double>::epsilon() * end_)
      t_new = end_;
    ++result_.steps[id];
    const auto [t_end, status, event] = first_end(j, t_new, x_new, d_new);
    while (slot_due(p, t_end)) put(j, options_.record_times[static_cast<std::size_t>(p.next_slot)], t_new);
    if (status == Status::reached_end) {
      if (recording_steps() && result_.steps[id] % options_.record_every == 0) put(j, t_new, t_new);
      p.rate = rate_of(j, x_new, d_new);
      std::copy_n(x_new, rows, x_.data() + static_cast<Index>(j) * x_.rows());
      std::copy_n(d_new, rows, d_.data() + static_cast<Index>(j) * x_.rows());
      p.t = t_new;
      const double most = rejected_last_[columns_[j]] ? 1.0 : 5.0;
      if (adaptive_) p.next_step = dt_[j] * std::clamp(0.9 * std::pow(error_[j], -0.2), 0.2, most);
      rejected_last_[columns_[j]] = false;
      if (p.t >= end_) {
        flow_.neurons(static_cast<Index>(j), x_new, result_.state.col(trajectory(j)).data());
        if (last_segment_) finish(j, Status::reached_end, p.t);
      } else if (attempts(id) >= options_.max_steps) {
        flow_.neurons(static_cast<Index>(j), x_new, state_.data());
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
    rejected_last_[columns_[j]] = true;
    p.next_step = dt_[j] * (finite ? std::clamp(0.9 * std::pow(error_[j], -0.2), 0.2, 1.0) : 0.2);
    const double smallest =
        16 * std::numeric_limits<double>::epsilon() * std::max(p.t, 1e-3 * options_.duration);
    if (p.next_step > smallest && attempts(id) < options_.max_steps) return;
    flow_.neurons(static_cast<Index>(j), x_.data() + static_cast<Index>(j) * x_.rows(), state_.data());
    const bool nan = std::isnan(error_[j]) || (!finite && !std::isinf(error_[j]));
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
  End first_end(std::size_t j, double t_new, const Real* x_new, const Real* d_new) {
    Progress& p = progress(j);
    End first{t_new, Status::reached_end, -1};
    bool at_new = false;  // state_ is that of t_new
    for (std::size_t e = 0; e < options_.events.size(); ++e) {
      if (happened(j, e)) continue;
      if (!at_new) flow_.neurons(static_cast<Index>(j), x_new, state_.data());
      at_new = true;
      const double before = p.event_values[e];
      const double after = options_.events[e].value(trajectory(j), t_new, state_);
      p.event_values[e] = after;
      if (!(after <= 0)) continue;
      const double t = root(j, e, before, after, t_new);
      at_new = false;
      event_time(j, e) = t;
      if (options_.events[e].ends && (first.status == Status::reached_end || t < first.t))
        first = {t, Status::event, static_cast<int>(e)};
    }
    if (options_.convergence && last_segment_) {
      const double rate = rate_of(j, x_new, d_new);
      const double bound = options_.convergence->bound;
      if (rate > bound) {
        p.below_since = std::numeric_limits<double>::quiet_NaN();
      } else if (std::isnan(p.below_since)) {
        const double fraction = rate > 0 ? std::log(p.rate / bound) / std::log(p.rate / rate) : 1.0;
        p.below_since = p.t + fraction * (t_new - p.t);
      }
      const double t = p.below_since + options_.convergence->hold;
      if (t <= t_new && (first.status == Status::reached_end || t < first.t))
        first = {t, Status::converged, -1};
    }
    for (std::size_t e = 0; e < options_.events.size(); ++e) {
      if (event_time(j, e) > first.t) event_time(j, e) = std::numeric_limits<double>::quiet_NaN();
    }
    return first;
  }

  double& event_time(std::size_t j, std::size_t e) {
    return result_.event_times(static_cast<Index>(e), trajectory(j));
  }
  bool happened(std::size_t j, std::size_t e) { return !std::isnan(event_time(j, e)); }

  double root(std::size_t j, std::size_t event, double before, double after, double t_new) {
    const double t_old = progress(j).t;
    const auto value = [&](double t) {
      at(j, t, t_new);
      return options_.events[event].value(trajectory(j), t, state_);
    };
    if (after == 0 || !(before > 0)) return t_new;
    std::uintmax_t most = 100;
    const auto bracket = boost::math::tools::toms748_solve(
        value, t_old, t_new, before, after, boost::math::tools::eps_tolerance<double>(50), most);
    return bracket.second;
  }

  /// state_ ← the neurons at a time within the step that ends at t_new.
  void at(std::size_t j, double t, double t_new) {
    const Attempt<Real> a = current();
    const Real* x = x_new_.data() + static_cast<Index>(j) * x_.rows();
    if (t < t_new) {
      const double theta = (t - progress(j).t) / (t_new - progress(j).t);
      integrator_.interpolate(a, static_cast<Index>(j), theta, coordinates_.data());
      x = coordinates_.data();
    }
    flow_.neurons(static_cast<Index>(j), x, state_.data());
  }

  double rate_of(std::size_t j, const Real* x, const Real* d) {
    if (!options_.convergence || !last_segment_) return 0;
    flow_.neuron_rate(static_cast<Index>(j), x, d, rate_.data());
    double sum = 0;
    for (const Real r : rate_) sum += static_cast<double>(r) * static_cast<double>(r);
    return std::sqrt(sum / static_cast<double>(rate_.size()));
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
  void put(std::size_t j, double t) { recorder_->record(trajectory(j), progress(j).next_slot++, t, state_); }

  /// Ends a trajectory with what is in state_ (at the end of the run: with what is in the result already).
  void finish(std::size_t j, Status status, double t, int event = -1) {
    const Index id = trajectory(j);
    progress(j).alive = false;
    result_.status[static_cast<std::size_t>(id)] = status;
    result_.time[static_cast<std::size_t>(id)] = t;
    result_.event[static_cast<std::size_t>(id)] = event;
    if (status == Status::not_finite && !adaptive_) {
      flow_.neurons(static_cast<Index>(j), x_.data() + static_cast<Index>(j) * x_.rows(), state_.data());
    }
    if (status != Status::reached_end) {
      std::ranges::copy(state_, result_.state.col(id).data());
    }
  }

  void allocate(Index n) {
    for (Array<Real>* const array : {&x_, &d_, &x_new_, &d_new_}) *array = Array<Real>({flow_.rows(), n});
    rejected_last_.assign(block_ids_.size(), false);
  }

  /// Takes away groups of columns in which nothing is left to do.
  void drop_finished_groups(bool move_states = true) {
    std::vector<Index> kept;
    constexpr auto kGroup = static_cast<std::size_t>(compute::kGemmColumns);
    for (std::size_t first = 0; first < columns_.size(); first += kGroup) {
      bool any = false;
      for (std::size_t j = first; j < first + kGroup; ++j) any = any || active(j);
      for (std::size_t j = first; any && j < first + kGroup; ++j) kept.push_back(static_cast<Index>(j));
    }
    if (kept.size() == columns_.size()) return;
    std::vector<std::size_t> columns;
    for (const Index j : kept) columns.push_back(columns_[static_cast<std::size_t>(j)]);
    columns_ = std::move(columns);
    if (!move_states || kept.empty()) return;
    const auto n = static_cast<Index>(kept.size());
    for (Array<Real>* const array : {&x_, &d_}) {
      Array<Real> fewer({flow_.rows(), n});
      for (Index j = 0; j < n; ++j)
        fewer.matrix().col(j) = array->matrix().col(kept[static_cast<std::size_t>(j)]);
      *array = std::move(fewer);
    }
    for (Array<Real>* const array : {&x_new_, &d_new_}) *array = Array<Real>({flow_.rows(), n});
    flow_.keep(kept);
  }

  Flow<Real>& flow_;
  Integrator<Real>& integrator_;
  const SimulationOptions<Real>& options_;
  bool adaptive_;
  std::vector<Index> block_ids_;
  Recorder<Real>* recorder_;
  Simulation<Real>& result_;
  std::vector<Progress> progress_;    // by place in the block
  std::vector<bool> rejected_last_;   // by place in the block
  std::vector<std::size_t> columns_;  // places in the block of the columns at work
  double end_ = 0;
  bool last_segment_ = false;
  Array<Real> x_, d_, x_new_, d_new_;  // (rows of the flow, columns)
  std::vector<double> t_, limit_, dt_, error_;
  std::vector<std::int64_t> steps_;
  std::vector<Index> numbers_;
  std::vector<Real> state_;  // neurons of one trajectory
  std::vector<Real> rate_;
  std::vector<Real> coordinates_;
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
