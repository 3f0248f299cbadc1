// The load at which a memory fails to complete half of its cues, and where that goes for infinite size.

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "ecphory/experiments/experiments.hpp"
#include "ecphory/experiments/memory_runs.hpp"
#include "ecphory/landscape/capacity.hpp"

namespace ecphory::experiments {
namespace {

struct CapacitySettings {
  double low = 0.02;
  double high = 0.5;
  double width = 0.02;
  std::int64_t networks = 4;
  std::int64_t most_networks = 40;
  std::int64_t sizes = 1;
  double exponent = 0.5;
};

const base::ParameterTable<CapacitySettings>& table() {
  using S = CapacitySettings;
  static const auto table =
      base::ParameterTable<S>("capacity")
          .add("low", &S::low, "1", "a load M/N at which more than half of the cues are completed",
               base::above(0))
          .add("high", &S::high, "1", "one at which less than half are", base::above(0))
          .add("width", &S::width, "1", "the bracket of the transition is halved to this share of the load",
               {.low = 0, .high = 0.99, .low_excluded = true})
          .add("networks", &S::networks, "1",
               "networks, each with task.cues cues, that are looked at at a time", base::between(1, 1e6))
          .add("most_networks", &S::most_networks, "1", "and at most at one load", base::between(1, 1e6))
          .add("sizes", &S::sizes, "1", "sizes: task.neurons and its doubles", base::between(1, 12))
          .add("exponent", &S::exponent, "1",
               "of several sizes: the capacity is extrapolated as a + c N^-exponent", base::above(0));
  return table;
}

landscape::HalfLoadOptions options_of(const CapacitySettings& s, std::int64_t cues) {
  return {.low = s.low,
          .high = s.high,
          .width = s.width,
          .batch = s.networks * cues,
          .most = std::max(s.most_networks, s.networks) * cues};
}

/// Cues completed of those of one network after another, each with patterns and cues of its own.
landscape::RetrievalTrials trials_of(const base::Point& point, const sweep::RunContext& context) {
  return [&point, &context](double load, std::int64_t first, std::int64_t n) {
    base::Point loaded = point;
    loaded["task.load"] = load;
    const auto cues = base::get<std::int64_t>(point, "task.cues");
    const double threshold = criterion_table().read(point).retrieved_above;
    std::int64_t completed = 0;
    for (std::int64_t network = first / cues; network < (first + n) / cues; ++network) {
      sweep::RunContext own = context;
      own.key.point = base::mix64(own.key.point ^ base::mix64(std::bit_cast<std::uint64_t>(load)) ^
                                  base::mix64(static_cast<std::uint64_t>(network) + 1));
      const MemoryRun memory = prepare_memory(loaded, own.key);
      const auto run = dynamics::simulate<double>(memory.network, memory.initial,
                                                  simulation_options(integrator_table().read(point), own));
      completed += (final_overlaps(memory, run).array() > threshold).count();
    }
    return completed;
  };
}

store::Dataset run(const base::Point& point, const sweep::RunContext& context) {
  const CapacitySettings settings = table().read(point);
  const auto smallest = base::get<std::int64_t>(point, "task.neurons");
  const auto cues = base::get<std::int64_t>(point, "task.cues");
  std::vector<std::int64_t> neurons;
  std::vector<landscape::HalfLoad> found;
  for (std::int64_t k = 0; k < settings.sizes; ++k) {
    neurons.push_back(smallest << k);
    base::Point sized = point;
    sized["task.neurons"] = neurons.back();
    found.push_back(landscape::half_load(trials_of(sized, context), options_of(settings, cues)));
  }
  std::size_t looks = 0;
  for (const auto& half : found) looks = std::max(looks, half.points.size());
  const auto sizes = found.size();
  const auto over_sizes = [&](std::string name, auto value, std::string long_name) {
    std::vector<double> values;
    for (const auto& half : found) values.push_back(value(half));
    return store::LabelledArray{.name = std::move(name),
                                .dimensions = {"size"},
                                .shape = {sizes},
                                .values = std::move(values),
                                .long_name = std::move(long_name)};
  };
  const auto over_looks = [&](std::string name, auto value, std::string long_name) {
    std::vector<double> values(sizes * looks, std::nan(""));
    for (std::size_t k = 0; k < sizes; ++k) {
      std::vector<landscape::LoadPoint> points = found[k].points;
      std::ranges::sort(points, {}, &landscape::LoadPoint::load);
      for (std::size_t i = 0; i < points.size(); ++i) values[k * looks + i] = value(points[i]);
    }
    return store::LabelledArray{.name = std::move(name),
                                .dimensions = {"size", "look"},
                                .shape = {sizes, looks},
                                .values = std::move(values),
                                .long_name = std::move(long_name)};
  };
  using landscape::HalfLoad;
  using landscape::LoadPoint;
  store::Dataset result{
      .arrays = {
          {.name = "neurons",
           .dimensions = {"size"},
           .shape = {sizes},
           .values = neurons,
           .long_name = "neurons N"},
          over_sizes(
              "capacity", [](const HalfLoad& h) { return h.within ? h.load : std::nan(""); },
              "load M/N at which half of the cues are completed; NaN where it is not between low and high"),
          over_sizes(
              "capacity_low", [](const HalfLoad& h) { return h.low; },
              "largest load at which more than half are, by the whole 95% interval"),
          over_sizes(
              "capacity_high", [](const HalfLoad& h) { return h.high; },
              "smallest load at which less than half are"),
          over_looks(
              "load", [](const LoadPoint& p) { return p.load; }, "load M/N that was looked at"),
          over_looks(
              "retrieved", [](const LoadPoint& p) { return p.retrieved.value; },
              "fraction of cues completed"),
          over_looks(
              "retrieved_low", [](const LoadPoint& p) { return p.retrieved.low; },
              "lower end of the 95% Wilson interval"),
          over_looks(
              "retrieved_high", [](const LoadPoint& p) { return p.retrieved.high; },
              "upper end of the 95% Wilson interval"),
      }};
  std::vector<double> n;
  std::vector<double> loads;
  std::vector<double> errors;
  for (std::size_t k = 0; k < sizes; ++k) {
    if (!found[k].within) continue;
    n.push_back(static_cast<double>(neurons[k]));
    loads.push_back(found[k].load);
    errors.push_back((found[k].high - found[k].low) / 4);  // low and high are about two standard errors away
  }
  landscape::Extrapolation limit{.limit = std::nan(""), .slope = std::nan(""), .error = std::nan("")};
  if (n.size() >= 2) limit = landscape::extrapolate(n, loads, errors, settings.exponent);
  result.arrays.push_back(store::scalar("limit", limit.limit, "1", "capacity extrapolated to infinite size"));
  result.arrays.push_back(store::scalar("limit_error", limit.error, "1", "its standard error, of the fit"));
  return result;
}

void check(const base::Point& point) {
  check_memory(point);
  const CapacitySettings settings = table().read(point);
  if (settings.high > settings.low) return;
  throw base::UserError(
      {.key = "capacity.low",
       .problem = fmt::format("{} to {} is not a range of loads", settings.low, settings.high),
       .expected = "capacity.low < capacity.high"});
}

/// Networks of every size at the largest load.
double cost(const base::Point& point) {
  const CapacitySettings settings = table().read(point);
  const double largest = std::ldexp(static_cast<double>(base::get<std::int64_t>(point, "task.neurons")),
                                    static_cast<int>(settings.sizes - 1));
  return largest * largest * largest * static_cast<double>(settings.networks);
}

}  // namespace

sweep::Experiment capacity() {
  std::vector<base::Parameter> own = criterion_table().parameters();
  own.insert(own.end(), table().parameters().begin(), table().parameters().end());
  return {.name = "capacity",
          .title = "The load at which a memory fails to complete half of its cues",
          .parameters = memory_experiment_parameters(own),
          .check = check,
          .run = run,
          .cost = cost,
          .check_on_gpu = check_memory_on_gpu};
}

}  // namespace ecphory::experiments
