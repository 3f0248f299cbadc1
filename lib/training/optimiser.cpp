#include "ecphory/training/optimiser.hpp"

#include <array>

#include "ecphory/training/cuda_operations.hpp"

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

namespace {

/// A column of an array, from its device and to it.
template <class Real>
std::vector<Real> column(const compute::Array<Real>& all, compute::Index j) {
  std::vector<Real> values(static_cast<std::size_t>(all.rows()));
  compute::copy(compute::kCpu, values.data(), all.device(), all.data() + j * all.rows(),
                values.size() * sizeof(Real));
  return values;
}
template <class Real>
void set_column(compute::Array<Real>& all, compute::Index j, std::vector<Real> values) {
  values.resize(static_cast<std::size_t>(all.rows()));
  compute::copy(all.device(), all.data() + j * all.rows(), compute::kCpu, values.data(),
                values.size() * sizeof(Real));
}

}  // namespace

template <class Real>
Optimiser<Real>::Optimiser(std::span<const OptimiserSettings> settings, std::uint64_t steps,
                           compute::Index weights, compute::Device device)
    : method_(settings.front().method), steps_(steps) {
  const auto runs = static_cast<compute::Index>(settings.size());
  compute::Array<OptimiserSettings> here({1, runs});
  for (std::size_t r = 0; r < settings.size(); ++r) {
    base::ensure(settings[r].method == method_, "runs side by side have one method");
    here.data()[r] = settings[r];
  }
  settings_ = here.to(device);
  if (method_ == Method::sgd) {
    sgd_steps_ = compute::Array<compute::SgdStep<Real>>({1, runs}, device);
    return;
  }
  adamw_steps_ = compute::Array<compute::AdamWStep<Real>>({1, runs}, device);
  first_ = compute::Array<Real>({weights, runs}, device);
  second_ = compute::Array<Real>({weights, runs}, device);
  for (compute::Index r = 0; r < runs; ++r) set_moments(r, {});
}

template <class Real>
void Optimiser<Real>::step(compute::View<const std::uint64_t> step, compute::View<const Real> gradient,
                           compute::View<Real> weights) {
  const compute::Index runs = settings_.columns();
  base::ensure(
      step.rows == 1 && step.columns == runs && weights.columns == runs && step.device == settings_.device(),
      "each run has a step and weights, on the optimiser's device");
  const bool is_on_gpu = settings_.device() != compute::kCpu;
  if (method_ == Method::sgd) {
    if (is_on_gpu) cuda::Operations<Real>::sgd_steps(settings_, step, steps_, sgd_steps_);
    for (compute::Index r = 0; !is_on_gpu && r < runs; ++r)
      sgd_steps_.data()[r] = sgd_step<Real>(settings_.data()[r], *step.column(r), steps_);
    return compute::sgd<Real>(sgd_steps_, gradient, weights);
  }
  if (is_on_gpu) cuda::Operations<Real>::adamw_steps(settings_, step, steps_, adamw_steps_);
  for (compute::Index r = 0; !is_on_gpu && r < runs; ++r)
    adamw_steps_.data()[r] = adamw_step<Real>(settings_.data()[r], *step.column(r), steps_);
  compute::adamw<Real>(adamw_steps_, gradient, first_, second_, weights);
}

template <class Real>
Moments<Real> Optimiser<Real>::moments(compute::Index run) const {
  if (method_ == Method::sgd) return {};
  return {.first = column(first_, run), .second = column(second_, run)};
}

template <class Real>
void Optimiser<Real>::set_moments(compute::Index run, const Moments<Real>& moments) {
  if (method_ == Method::sgd) return;
  set_column(first_, run, moments.first);
  set_column(second_, run, moments.second);
}

template class Optimiser<float>;
template class Optimiser<double>;

}  // namespace ecphory::training
