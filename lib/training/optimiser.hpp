#pragma once
// How gradients move the weights.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ecphory/base/parameters.hpp"

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
double rate_at(const OptimiserSettings& settings, std::uint64_t step, std::uint64_t steps);

/// What an optimiser remembers beside the weights: nothing (sgd), or two moments of the gradient (adamw).
template <class Real>
struct Moments {
  std::vector<Real> first;
  std::vector<Real> second;
  bool operator==(const Moments&) const = default;
};

/// Step number `step` (the first is 0) of `steps`: moves `weights` against `gradient`. Empty moments begin at
/// 0.
template <class Real>
void optimiser_step(const OptimiserSettings& settings, std::uint64_t step, std::uint64_t steps,
                    std::span<const Real> gradient, Moments<Real>& moments, std::span<Real> weights);

extern template void optimiser_step<float>(const OptimiserSettings&, std::uint64_t, std::uint64_t,
                                           std::span<const float>, Moments<float>&, std::span<float>);
extern template void optimiser_step<double>(const OptimiserSettings&, std::uint64_t, std::uint64_t,
                                            std::span<const double>, Moments<double>&, std::span<double>);

}  // namespace ecphory::training
