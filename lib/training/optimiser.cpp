#include "ecphory/training/optimiser.hpp"

#include <array>
#include <cmath>
#include <numbers>

#include "ecphory/compute/adamw.hpp"
#include "ecphory/compute/sgd.hpp"

namespace ecphory::training {

std::span<const std::string_view> names(Method) {
  static constexpr std::array<std::string_view, 2> kNames = {"sgd", "adamw"};
  return kNames;
}

std::span<const std::string_view> names(Schedule) {
  static constexpr std::array<std::string_view, 3> kNames = {"constant", "linear", "cosine"};
  return kNames;
}

const base::ParameterTable<OptimiserSettings>& optimiser_table() {
  using S = OptimiserSettings;
  static const auto table =
      base::ParameterTable<S>("training")
          .add("method", &S::method, "1", "plain stochastic gradient descent, or AdamW")
          .add("rate", &S::rate, "1", "learning rate", base::above(0))
          .add("decay", &S::decay, "1",
               "decoupled weight decay: share of the weights lost per step with sgd, times the rate with "
               "adamw",
               base::between(0, 1))
          .add("beta1", &S::beta1, "1", "memory of the gradient's mean", {.low = 0, .high = 0.999999})
          .when("training.method == \"adamw\"")
          .add("beta2", &S::beta2, "1", "memory of its square", {.low = 0, .high = 0.9999999})
          .when("training.method == \"adamw\"")
          .add("epsilon", &S::epsilon, "1", "added to the square's root", base::above(0))
          .when("training.method == \"adamw\"")
          .add("warmup", &S::warmup, "1", "steps over which the rate rises linearly", base::at_least(0))
          .add("schedule", &S::schedule, "1", "how the rate goes on from there: constant, or down to 0");
  return table;
}

double rate_at(const OptimiserSettings& s, std::uint64_t step, std::uint64_t steps) {
  const auto warmup = static_cast<std::uint64_t>(s.warmup);
  if (step < warmup) return s.rate * static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (s.schedule == Schedule::constant) return s.rate;
  const double share = static_cast<double>(step - warmup) / static_cast<double>(steps - warmup);
  return s.rate * (s.schedule == Schedule::linear ? 1 - share : (1 + std::cos(std::numbers::pi * share)) / 2);
}

template <class Real>
void optimiser_step(const OptimiserSettings& settings, std::uint64_t step, std::uint64_t steps,
                    std::span<const Real> gradient, Moments<Real>& moments, std::span<Real> weights) {
  const auto n = static_cast<compute::Index>(weights.size());
  const auto column = [n](auto& x) { return compute::View(x.data(), n, 1, n); };
  const double rate = rate_at(settings, step, steps);
  if (settings.method == Method::sgd) {
    compute::sgd<Real>(static_cast<Real>(rate), static_cast<Real>(settings.decay), column(gradient),
                       column(weights));
    return;
  }
  moments.first.resize(weights.size());
  moments.second.resize(weights.size());
  compute::adamw<Real>({.rate = rate,
                        .beta1 = settings.beta1,
                        .beta2 = settings.beta2,
                        .epsilon = settings.epsilon,
                        .decay = settings.decay},
                       step + 1, column(gradient), column(moments.first), column(moments.second),
                       column(weights));
}

template void optimiser_step<float>(const OptimiserSettings&, std::uint64_t, std::uint64_t,
                                    std::span<const float>, Moments<float>&, std::span<float>);
template void optimiser_step<double>(const OptimiserSettings&, std::uint64_t, std::uint64_t,
                                     std::span<const double>, Moments<double>&, std::span<double>);

}  // namespace ecphory::training
