#include "ecphory/dynamics/columns.hpp"

#include <algorithm>
#include <cmath>

#include "ecphory/base/finite.hpp"
#include "ecphory/compute/fill.hpp"
#include "ecphory/dynamics/cuda_operations.hpp"
#include "ecphory/dynamics/integrators/row_constants.hpp"

namespace ecphory::dynamics {

using compute::Array;
using compute::Index;

namespace {

// Rows of the readings.
constexpr Index kError = 0;
constexpr Index kFinite = 1;
constexpr Index kRate = 2;
constexpr Index kEvents = 3;

template <class Element>
Array<Element> to_device(const std::vector<Element>& row, compute::Device device) {
  Array<Element> there({1, static_cast<Index>(row.size())}, device);
  compute::copy(device, there.data(), compute::kCpu, row.data(), row.size() * sizeof(Element));
  return there;
}

std::vector<std::int32_t> places_of(const std::vector<Index>& columns) {
  std::vector<std::int32_t> places;
  for (const Index j : columns) places.push_back(static_cast<std::int32_t>(j));
  return places;
}

template <class Real>
bool column_is_finite(const Array<Real>& a, std::size_t column) {
  const auto rows = static_cast<std::size_t>(a.rows());
  return !base::first_not_finite(std::span<const Real>(a.data() + column * rows, rows));
}

template <class Real>
std::vector<Real> column_of(compute::View<const Real> matrix, Index column) {
  std::vector<Real> copied(static_cast<std::size_t>(matrix.rows));
  compute::copy(compute::kCpu, copied.data(), matrix.device, matrix.column(column),
                copied.size() * sizeof(Real));
  return copied;
}

}  // namespace

template <class Real>
Columns<Real>::Columns(Flow<Real>& flow, Integrator<Real>& integrator, const SimulationOptions<Real>& options)
    : flow_(flow), integrator_(integrator), options_(options), device_(flow.device()) {
  if (!on_gpu()) return;
  tau_on_device_ = row_constants(flow.tau(), device_);
  directions_.resize(options.events.size());
  targets_.resize(options.events.size());
  outputs_.resize(options.events.size());
  for (std::size_t e = 0; e < options.events.size(); ++e) {
    const auto& distance = options.events[e].cosine_distance;
    if (distance == nullptr) continue;
    directions_[e] = Array<Real>({distance->directions.rows(), distance->directions.cols()}, device_);
    compute::copy(device_, directions_[e].data(), compute::kCpu, distance->directions.data(),
                  static_cast<std::size_t>(distance->directions.size()) * sizeof(Real));
  }
}

template <class Real>
void Columns<Real>::allocate(Index n) {
  for (Array<Real>* const array : {&x_new_, &d_new_}) *array = Array<Real>({flow_.rows(), n}, device_);
  const auto count = static_cast<std::size_t>(n);
  steps_.assign(count, {});
  t_.assign(count, 0.0);
  limit_.assign(count, 0.0);
  error_.assign(count, 0.0);
  if (!on_gpu()) return;
  const auto events = static_cast<Index>(options_.events.size());
  steps_on_device_ = Array<ColumnStep>({1, n}, device_);
  readings_on_device_ = Array<double>({kEvents + events, n}, device_);
  readings_ = Array<double>({kEvents + events, n});
  compute::fill<double>(0, readings_on_device_);
  taken_.assign(count, 0);
  find_targets();
  graph_.reset();
  is_warm_ = false;
}

/// Targets of the events for the columns, and room for the outputs that they look at.
template <class Real>
void Columns<Real>::find_targets() {
  for (std::size_t e = 0; e < options_.events.size(); ++e) {
    const auto& distance = options_.events[e].cosine_distance;
    if (distance == nullptr) continue;
    std::vector<std::int32_t> targets;
    for (const Index id : ids_)
      targets.push_back(static_cast<std::int32_t>(distance->target(std::max<Index>(id, 0))));
    targets_[e] = to_device(targets, device_);
    if (!std::holds_alternative<Quadratic>(distance->lagrangian))
      outputs_[e] = Array<Real>({distance->directions.rows(), static_cast<Index>(ids_.size())}, device_);
  }
}

template <class Real>
void Columns<Real>::start(std::vector<Index> ids, double t, Array<Real> neurons) {
  ids_ = std::move(ids);
  rate_.resize(static_cast<std::size_t>(neurons.rows()));
  const auto n = static_cast<Index>(ids_.size());
  for (Array<Real>* const array : {&x_, &d_}) *array = Array<Real>({flow_.rows(), n}, device_);
  allocate(n);
  flow_.start(ids_, t, neurons, x_);
  flow_.drive(x_, d_);
  integrator_.restart();
  if (!on_gpu()) return;
  Array<double> sizes({2, n}, device_);
  const compute::View<double> both(sizes);
  cuda::Operations<Real>::readings(x_, d_, reading(kFinite), reading(kRate));
  cuda::Operations<Real>::sizes(options_.integrator.rtol, options_.integrator.atol, tau_on_device_, x_, d_,
                                both.middle_rows(0, 1), both.middle_rows(1, 1));
  readings_ = readings_on_device_.to(compute::kCpu);
  sizes_ = sizes.to(compute::kCpu);
  start_ = std::move(neurons);
}

template <class Real>
void Columns<Real>::keep(const std::vector<Index>& columns) {
  const auto n = static_cast<Index>(columns.size());
  std::vector<Index> ids;
  for (const Index j : columns) ids.push_back(ids_[static_cast<std::size_t>(j)]);
  ids_ = std::move(ids);
  const Array<std::int32_t> places =
      on_gpu() ? to_device(places_of(columns), device_) : Array<std::int32_t>();
  for (Array<Real>* const array : {&x_, &d_}) {
    Array<Real> fewer({flow_.rows(), n}, device_);
    if (on_gpu()) {
      cuda::Operations<Real>::copy_columns(*array, places, fewer);
    } else {
      for (Index j = 0; j < n; ++j)
        fewer.matrix().col(j) = array->matrix().col(columns[static_cast<std::size_t>(j)]);
    }
    *array = std::move(fewer);
  }
  start_.reset();
  allocate(n);
  flow_.keep(columns);
}

template <class Real>
void Columns<Real>::want(std::size_t column, const ColumnStep& step, double t, double limit) {
  steps_[column] = step;
  t_[column] = t;
  limit_[column] = limit;
}

template <class Real>
Attempt<Real> Columns<Real>::current() {
  return {.x = ConstView(View(x_)),
          .d = ConstView(View(d_)),
          .steps = steps_,
          .on_device = on_gpu() ? compute::View<const ColumnStep>(compute::View<ColumnStep>(steps_on_device_))
                                : compute::View<const ColumnStep>(std::span<const ColumnStep>(steps_)),
          .t = t_,
          .limit = limit_,
          .x_new = x_new_,
          .d_new = d_new_,
          .error = on_gpu() ? reading(kError) : compute::View<double>(std::span<double>(error_))};
}

template <class Real>
void Columns<Real>::attempt() {
  if (!on_gpu()) {
    std::ranges::fill(error_, 0.0);
    integrator_.attempt(flow_, current());
    dense_ = integrator_.dense_output(current());
    return;
  }
  start_.reset();
  behind_ = {};
  within_ = {};
  compute::copy(device_, steps_on_device_.data(), compute::kCpu, steps_.data(),
                steps_.size() * sizeof(ColumnStep));
  if (graph_) {
    graph_->launch();
  } else if (is_warm_) {
    graph_.emplace(device_, [this] { attempt_on_gpu(); });
    graph_->launch();
  } else {
    attempt_on_gpu();
    is_warm_ = true;
  }
}

template <class Real>
void Columns<Real>::wait() {
  if (!on_gpu()) return;
  compute::copy(compute::kCpu, readings_.data(), device_, readings_on_device_.data(),
                static_cast<std::size_t>(readings_.size()) * sizeof(double));
}

/// Reads and writes memory of the GPU alone, so that it can be a graph.
template <class Real>
void Columns<Real>::attempt_on_gpu() {
  integrator_.attempt(flow_, current());
  cuda::Operations<Real>::readings(x_new_, d_new_, reading(kFinite), reading(kRate));
  for (std::size_t e = 0; e < options_.events.size(); ++e) {
    if (options_.events[e].cosine_distance == nullptr) continue;
    cuda::Operations<Real>::cosine_distance(options_.events[e].cosine_distance->cosine, output_for(e),
                                            directions_[e], targets_[e], reading(kEvents + index(e)));
  }
}

/// The output that an event looks at, of the states behind the attempt.
template <class Real>
typename Columns<Real>::ConstView Columns<Real>::output_for(std::size_t event) {
  const CosineDistance<Real>& distance = *options_.events[event].cosine_distance;
  const ConstView state = ConstView(View(x_new_)).middle_rows(distance.first_row, distance.directions.rows());
  if (std::holds_alternative<Quadratic>(distance.lagrangian)) return state;
  gradient<Real>(distance.lagrangian, state, outputs_[event]);
  return View(outputs_[event]);
}

template <class Real>
compute::View<double> Columns<Real>::reading(Index row) {
  return compute::View<double>(readings_on_device_).middle_rows(row, 1);
}

template <class Real>
double Columns<Real>::rate_of(std::size_t column, const Array<Real>& x, const Array<Real>& d) {
  const Index first = index(column) * x.rows();
  flow_.neuron_rate(index(column), x.data() + first, d.data() + first, rate_.data());
  double sum = 0;
  for (const Real r : rate_) sum += static_cast<double>(r) * static_cast<double>(r);
  return std::sqrt(sum / static_cast<double>(rate_.size()));
}

template <class Real>
bool Columns<Real>::finite_at_start(std::size_t column) {
  if (on_gpu()) return reading(kFinite, column) != 0;
  return column_is_finite(x_, column) && column_is_finite(d_, column);
}

template <class Real>
double Columns<Real>::rate_at_start(std::size_t column) {
  return on_gpu() ? reading(kRate, column) : rate_of(column, x_, d_);
}

template <class Real>
typename Columns<Real>::Sizes Columns<Real>::sizes_at_start(std::size_t column) {
  if (on_gpu()) return {sizes_.matrix()(0, index(column)), sizes_.matrix()(1, index(column))};
  const std::vector<double>& tau = flow_.tau();
  Sizes sizes{0, 0};
  for (Index i = 0; i < x_.rows(); ++i) {
    const auto x = static_cast<double>(x_.data()[index(column) * x_.rows() + i]);
    const auto d = static_cast<double>(d_.data()[index(column) * x_.rows() + i]);
    const double scale = options_.integrator.atol + options_.integrator.rtol * std::abs(x);
    sizes.of_state += (x / scale) * (x / scale);
    const double rate = (d - x) / tau[static_cast<std::size_t>(i)] / scale;
    sizes.of_rate += rate * rate;
  }
  return sizes;
}

template <class Real>
double Columns<Real>::error(std::size_t column) const {
  return on_gpu() ? reading(kError, column) : error_[column];
}

template <class Real>
bool Columns<Real>::finite(std::size_t column) {
  if (on_gpu()) return reading(kFinite, column) != 0;
  return column_is_finite(x_new_, column) && column_is_finite(d_new_, column);
}

template <class Real>
double Columns<Real>::rate(std::size_t column) {
  return on_gpu() ? reading(kRate, column) : rate_of(column, x_new_, d_new_);
}

template <class Real>
std::optional<double> Columns<Real>::event_value(std::size_t event, std::size_t column) const {
  if (!on_gpu() || options_.events[event].cosine_distance == nullptr) return std::nullopt;
  return reading(kEvents + index(event), column);
}

template <class Real>
void Columns<Real>::neurons(std::size_t column, const Array<Real>& x, Real* state) {
  if (on_gpu()) {
    flow_.neurons(index(column), column_of(ConstView(x), index(column)).data(), state);
  } else {
    flow_.neurons(index(column), x.data() + index(column) * x.rows(), state);
  }
}

template <class Real>
void Columns<Real>::state_before(std::size_t column, Real* state) {
  if (start_) {
    std::copy_n(start_->data() + index(column) * start_->rows(), start_->rows(), state);
  } else {
    neurons(column, x_, state);
  }
}

template <class Real>
void Columns<Real>::state_behind(std::size_t column, Real* state) {
  if (behind_.places.empty() || behind_.places[column] < 0) return neurons(column, x_new_, state);
  const Array<Real>& x = behind_.matrices.front();
  flow_.neurons(index(column), x.data() + behind_.places[column] * x.rows(), state);
}

template <class Real>
void Columns<Real>::state_within(std::size_t column, double theta, Real* state) {
  thread_local std::vector<Real> coordinates;
  coordinates.resize(static_cast<std::size_t>(flow_.rows()));
  const Moment moment{.t = t_[column], .dt = steps_[column].dt, .theta = theta};
  if (!on_gpu()) {
    integrator_.interpolate(dense_, index(column), moment, coordinates.data());
  } else {
    const bool is_here = !within_.places.empty() && within_.places[column] >= 0;
    const Fetched one = is_here ? Fetched() : fetch({index(column)}, integrator_.dense_output(current()));
    const Fetched& from = is_here ? within_ : one;
    std::vector<ConstView> dense;
    for (const Array<Real>& matrix : from.matrices) dense.push_back(ConstView(matrix));
    integrator_.interpolate(dense, from.places[column], moment, coordinates.data());
  }
  flow_.neurons(index(column), coordinates.data(), state);
}

template <class Real>
typename Columns<Real>::Fetched Columns<Real>::fetch(const std::vector<Index>& columns,
                                                     const std::vector<ConstView>& from) const {
  if (columns.empty()) return {};
  Fetched fetched;
  fetched.places.assign(ids_.size(), -1);
  for (std::size_t k = 0; k < columns.size(); ++k)
    fetched.places[static_cast<std::size_t>(columns[k])] = index(k);
  const Array<std::int32_t> places = to_device(places_of(columns), device_);
  Array<Real> some({flow_.rows(), index(columns.size())}, device_);
  for (const ConstView& matrix : from) {
    cuda::Operations<Real>::copy_columns(matrix, places, some);
    fetched.matrices.push_back(some.to(compute::kCpu));
  }
  return fetched;
}

template <class Real>
void Columns<Real>::bring(const std::vector<Index>& behind, const std::vector<Index>& within) {
  behind_ = fetch(behind, {ConstView(View(x_new_))});
  within_ = fetch(within, integrator_.dense_output(current()));
}

template <class Real>
void Columns<Real>::take(std::size_t column) {
  if (on_gpu()) {
    taken_[column] = 1;
    return;
  }
  const Index first = index(column) * x_.rows();
  std::copy_n(x_new_.data() + first, x_.rows(), x_.data() + first);
  std::copy_n(d_new_.data() + first, x_.rows(), d_.data() + first);
}

template <class Real>
void Columns<Real>::settle() {
  if (!on_gpu()) return;
  const Array<std::int32_t> taken = to_device(taken_, device_);
  cuda::Operations<Real>::take_columns(taken, x_new_, x_);
  cuda::Operations<Real>::take_columns(taken, d_new_, d_);
  std::ranges::fill(taken_, 0);
}

template class Columns<float>;
template class Columns<double>;

}  // namespace ecphory::dynamics
