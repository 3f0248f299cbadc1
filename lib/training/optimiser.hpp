#pragma once
// How gradients move the weights.

#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <string_view>
#include <vector>

#include "ecphory/base/host_device.hpp"
#include "ecphory/base/parameters.hpp"
#include "ecphory/compute/adamw.hpp"
#include "ecphory/compute/array.hpp"
#include "ecphory/compute/sgd.hpp"

namespace ecphory::training {

enum class Method { sgd, adamw };
std::span<const std::string_view> names(Method);

/// How the rate changes after the warm-up.
enum class Schedule {
  constant,
  linear,  ///< down to 0 at the last step
  cosine,  ///< down to 0 at the last step, as half a cosine
};
std::span<const std::string_view> names(Schedule);

struct OptimiserSettings {
  Method method = Method::sgd;
  double rate = 0.01;
  double decay = 1e-6;  ///< decoupled: of the weights per step with sgd, times the rate with adamw
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  std::int64_t warmup = 0;  ///< steps over which the rate rises linearly to its value
  Schedule schedule = Schedule::constant;
};

/// Settings of the section `training`.
const base::ParameterTable<OptimiserSettings>& optimiser_table();

/// The rate of step number `step` (the first is 0) of `steps`.
ECPHORY_HOST_DEVICE inline double rate_at(const OptimiserSettings& s, std::uint64_t step,
                                          std::uint64_t steps) {
  const auto warmup = static_cast<std::uint64_t>(s.warmup);
  if (step < warmup) return s.rate * static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (s.schedule == Schedule::constant) return s.rate;
  const double share = static_cast<double>(step - warmup) / static_cast<double>(steps - warmup);
  return s.rate * (s.schedule == Schedule::linear ? 1 - share : (1 + std::cos(std::numbers::pi * share)) / 2);
}

/// What all elements of a run's weights share in its step number `step`, the first being 0.
template <class Real>
ECPHORY_HOST_DEVICE compute::SgdStep<Real> sgd_step(const OptimiserSettings& s, std::uint64_t step,
                                                    std::uint64_t steps) {
  return {static_cast<Real>(rate_at(s, step, steps)), static_cast<Real>(s.decay)};
}
template <class Real>
ECPHORY_HOST_DEVICE compute::AdamWStep<Real> adamw_step(const OptimiserSettings& s, std::uint64_t step,
                                                        std::uint64_t steps) {
  return {{rate_at(s, step, steps), s.beta1, s.beta2, s.epsilon, s.decay}, step + 1};
}

/// What an optimiser remembers beside a run's weights: nothing (sgd), or two moments of the gradient (adamw).
template <class Real>
struct Moments {
  std::vector<Real> first;
  std::vector<Real> second;
  bool operator==(const Moments&) const = default;
};

/// The optimisers of runs side by side, on a device.
template <class Real>
class Optimiser {
 public:
  /// `settings` of each run, all of one method, for trainings of `steps` steps of that many weights.
  Optimiser(std::span<const OptimiserSettings> settings, std::uint64_t steps, compute::Index weights,
            compute::Device device = compute::kCpu);

  /// Moves the weights (weights, runs) of each run against its gradient; `step` (1, runs) says which step
  /// this is, the first being 0. On a GPU this only starts the work, and can be recorded in a compute::Graph.
  void step(compute::View<const std::uint64_t> step, compute::View<const Real> gradient,
            compute::View<Real> weights);

  /// What it remembers of a run, and puts in its place; empty moments are 0.
  Moments<Real> moments(compute::Index run) const;
  void set_moments(compute::Index run, const Moments<Real>& moments);

 private:
  Method method_;
  std::uint64_t steps_;
  compute::Array<OptimiserSettings> settings_;            ///< (1, runs)
  compute::Array<compute::SgdStep<Real>> sgd_steps_;      ///< (1, runs), of the step in hand
  compute::Array<compute::AdamWStep<Real>> adamw_steps_;  ///< (1, runs)
  compute::Array<Real> first_, second_;                   ///< (weights, runs), of adamw
};

extern template class Optimiser<float>;
extern template class Optimiser<double>;

}  // namespace ecphory::training
