#include "ecphory/training/train.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/finite.hpp"
#include "ecphory/compute/graph.hpp"
#include "ecphory/training/progress.hpp"

namespace ecphory::training {
namespace {

using compute::Array;
using compute::Index;

/// Steps that a GPU takes before anybody looks how they went.
constexpr std::uint64_t kUnwatched = 100;

template <class Real>
std::vector<OptimiserSettings> settings_of(std::span<const Run<Real>> runs) {
  std::vector<OptimiserSettings> all;
  for (const Run<Real>& run : runs) all.push_back(run.optimiser);
  return all;
}

/// The runs on their device.
template <class Real>
class Training {
 public:
  Training(const Objective<Real>& objective, const TrainingSettings& settings, std::span<Run<Real>> runs)
      : objective_(objective),
        settings_(settings),
        runs_(runs),
        optimiser_(settings_of<Real>(runs), static_cast<std::uint64_t>(settings.steps), size(),
                   settings.device),
        weights_({size(), count()}, settings.device),
        gradient_({size(), count()}, settings.device),
        losses_({1, count()}, settings.device),
        step_({1, count()}, settings.device),
        progress_({1, count()}, settings.device),
        at_(runs.front().state.step) {
    for (std::size_t r = 0; r < runs.size(); ++r) {
      const TrainingState<Real>& state = runs[r].state;
      base::ensure(state.step == at_ && state.weights.size() == static_cast<std::size_t>(size()),
                   "runs side by side stand at one step, and have as many weights");
      put(weights_, r, state.weights.data());
      put(step_, r, &state.step);
      optimiser_.set_moments(static_cast<Index>(r), state.moments);
      const Progress progress{.loss_sum = state.loss_sum, .loss_count = state.loss_count};
      put(progress_, r, &progress);
      checkpoints_.push_back(runs[r].checkpoint ? state.step : 0);
      is_active_.push_back(true);
    }
  }

  void run() {
    const auto steps = static_cast<std::uint64_t>(settings_.steps);
    const auto every = static_cast<std::uint64_t>(settings_.evaluate_every);
    const auto checkpoint_every = static_cast<std::uint64_t>(settings_.checkpoint_every);
    if (runs_.front().state.history.size() == 0) evaluate();
    for (std::size_t r = 0; r < runs_.size(); ++r) is_active_[r] = !is_enough(runs_[r]);
    while (at_ < steps && std::ranges::find(is_active_, true) != is_active_.end()) {
      settings_.deadline.check();
      take_steps(std::min({until(every), until(checkpoint_every), steps - at_}));
      if (at_ % every == 0 || at_ == steps) evaluate();
      const bool is_due = checkpoint_every > 0 && at_ % checkpoint_every == 0;
      for (std::size_t r = 0; r < runs_.size(); ++r) {
        const bool is_over = at_ == steps || is_enough(runs_[r]);
        if (is_active_[r] && (is_due || is_over)) keep(r);
        if (is_over) is_active_[r] = false;
      }
    }
  }

 private:
  Index count() const { return static_cast<Index>(runs_.size()); }
  Index size() const { return static_cast<Index>(runs_.front().state.weights.size()); }

  bool is_enough(const Run<Real>& run) const {
    return objective_.is_enough && run.state.history.size() > 0 &&
           objective_.is_enough(run.state.history.metrics.back());
  }
  /// Steps to the next multiple of `every`.
  std::uint64_t until(std::uint64_t every) const {
    return every == 0 ? std::numeric_limits<std::uint64_t>::max() : every - at_ % every;
  }

  void take_step() {
    objective_.gradient(step_, weights_, gradient_, losses_);
    optimiser_.step(step_, gradient_, weights_);
    count_step(losses_, step_, progress_);
  }

  void take_steps(std::uint64_t most) {
    if (settings_.device == compute::kCpu) {
      take_step();
      ++at_;
    } else {
      const std::uint64_t n = std::min(most, kUnwatched);
      for (std::uint64_t i = 0; i < n; ++i) {
        if (graph_) {
          graph_->launch();
        } else {
          take_step();
          graph_.emplace(settings_.device, [&] { take_step(); });
        }
      }
      at_ += n;
    }
    look_for_failures();
  }

  void look_for_failures() {
    const Array<Progress> progress = progress_.to(compute::kCpu);
    for (std::size_t r = 0; r < runs_.size(); ++r) {
      const Progress& of_run = progress.data()[r];
      if (is_active_[r] && of_run.bad_step != Progress::kNone)
        fail(r, fmt::format("the loss is {} at step {}", of_run.bad_loss, of_run.bad_step));
    }
  }

  void evaluate() {
    const std::vector<std::vector<double>> metrics = objective_.evaluate(weights_);
    const Array<Progress> progress = progress_.to(compute::kCpu);
    for (std::size_t r = 0; r < runs_.size(); ++r) {
      const Progress none;
      put(progress_, r, &none);
      if (!is_active_[r]) continue;
      History& history = runs_[r].state.history;
      const Progress& of_run = progress.data()[r];
      history.step.push_back(static_cast<std::int64_t>(at_));
      history.training_loss.push_back(
          of_run.loss_count == 0 ? std::nan("") : of_run.loss_sum / static_cast<double>(of_run.loss_count));
      history.metrics.push_back(metrics[r]);
    }
  }

  /// Brings a run's state here, and hands it to whoever keeps checkpoints.
  void keep(std::size_t r) {
    Run<Real>& run = runs_[r];
    std::vector<Real> weights(run.state.weights.size());
    get(weights_, r, weights.data());
    if (base::first_not_finite<Real>(weights))
      return fail(r, fmt::format("a weight is not finite after step {}", at_));
    run.state.weights = std::move(weights);
    run.state.moments = optimiser_.moments(static_cast<Index>(r));
    run.state.step = at_;
    Progress progress;
    get(progress_, r, &progress);
    run.state.loss_sum = progress.loss_sum;
    run.state.loss_count = progress.loss_count;
    if (!run.checkpoint) return;
    run.checkpoint(run.state);
    checkpoints_[r] = at_;
  }

  /// The run ends here; the others go on.
  void fail(std::size_t r, const std::string& problem) {
    const std::uint64_t checkpoint = checkpoints_[r];
    is_active_[r] = false;
    runs_[r].failure = std::make_exception_ptr(base::UserError(
        {.key = "training.rate",
         .problem = problem,
         .expected = "a finite loss",
         .remedy = checkpoint == 0
                       ? std::string("lower the rate")
                       : fmt::format("lower the rate; the checkpoint of step {} is good", checkpoint)}));
  }

  /// Column r of an array.
  template <class T>
  static void put(Array<T>& to, std::size_t r, const T* from) {
    compute::copy(to.device(), to.data() + static_cast<Index>(r) * to.rows(), compute::kCpu, from,
                  static_cast<std::size_t>(to.rows()) * sizeof(T));
  }
  template <class T>
  static void get(const Array<T>& from, std::size_t r, T* to) {
    compute::copy(compute::kCpu, to, from.device(), from.data() + static_cast<Index>(r) * from.rows(),
                  static_cast<std::size_t>(from.rows()) * sizeof(T));
  }

  const Objective<Real>& objective_;
  TrainingSettings settings_;
  std::span<Run<Real>> runs_;
  Optimiser<Real> optimiser_;
  Array<Real> weights_;
  Array<Real> gradient_;
  Array<double> losses_;
  Array<std::uint64_t> step_;
  Array<Progress> progress_;
  std::uint64_t at_;                        // steps taken
  std::vector<std::uint64_t> checkpoints_;  // of each run, 0 for none
  std::vector<bool> is_active_;
  std::optional<compute::Graph> graph_;
};

}  // namespace

template <class Real>
void train(const Objective<Real>& objective, const TrainingSettings& settings, std::span<Run<Real>> runs) {
  Training<Real>(objective, settings, runs).run();
}

template void train<float>(const Objective<float>&, const TrainingSettings&, std::span<Run<float>>);
template void train<double>(const Objective<double>&, const TrainingSettings&, std::span<Run<double>>);

}  // namespace ecphory::training
