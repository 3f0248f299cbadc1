// How the fixed points of a memory change with one of its parameters, and where they change in kind.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ecphory/dynamics/certificate.hpp"
#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/experiments/experiments.hpp"
#include "ecphory/experiments/memory_runs.hpp"
#include "ecphory/landscape/continuation.hpp"
#include "ecphory/models/biology.hpp"
#include "ecphory/models/memories.hpp"
#include "ecphory/tasks/patterns.hpp"

namespace ecphory::experiments {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using landscape::Branch;

enum class Start { pattern, mean, mixture, zero };

std::span<const std::string_view> names(Start) {
  static constexpr std::array<std::string_view, 4> kNames = {"pattern", "mean", "mixture", "zero"};
  return kNames;
}

enum class From { low, high };

std::span<const std::string_view> names(From) {
  static constexpr std::array<std::string_view, 2> kNames = {"low", "high"};
  return kNames;
}

struct ContinuationSettings {
  std::string parameter = "model.beta";
  double low = 1;
  double high = 20;
  From from = From::low;
  Start start = Start::mean;
  bool branches = true;
  double largest_step = 0.05;
  std::int64_t points = 2000;
};

const base::ParameterTable<ContinuationSettings>& continuation_table() {
  using S = ContinuationSettings;
  static const auto table =
      base::ParameterTable<S>("continuation")
          .add("parameter", &S::parameter, "1", "the key of the model that changes along a branch")
          .add("low", &S::low, "1", "its smallest value, in its own unit")
          .add("high", &S::high, "1", "its largest value")
          .add("from", &S::from, "1", "at which end the first branch begins")
          .add("start", &S::start, "1",
               "near which state it begins: where the first pattern settles, the mean of all patterns, that "
               "of the "
               "first two, or zero")
          .add("branches", &S::branches, "1", "also follow the branches that leave the first one")
          .add("largest_step", &S::largest_step, "1",
               "cap on a step, in lengths of the state and of the parameter's range", base::above(1e-6))
          .add("points", &S::points, "1", "cap on the points of a branch", base::at_least(2));
  return table;
}

landscape::ContinuationOptions options_of(const ContinuationSettings& s, const base::Deadline& deadline) {
  return {.direction = s.from == From::low ? 1 : -1,
          .low = s.low,
          .high = s.high,
          .initial_step = std::min(0.01, s.largest_step),
          .largest_step = s.largest_step,
          .max_points = s.points,
          .eigenvalues = 1,
          .deadline = deadline};
}

void check(const base::Point& point) {
  const ContinuationSettings settings = continuation_table().read(point);
  const std::vector<base::Parameter>& parameters = models::memory_of(point).model.parameters;
  std::vector<std::string> reals;
  for (const base::Parameter& parameter : parameters) {
    if (std::holds_alternative<double>(parameter.default_value)) reals.push_back(parameter.key);
  }
  if (std::ranges::find(reals, settings.parameter) == reals.end()) {
    throw base::UserError(
        {.key = "continuation.parameter",
         .problem = fmt::format("\"{}\" is no real parameter of this memory", settings.parameter),
         .expected = fmt::format("one of {}", fmt::join(reals, ", "))});
  }
  if (!(settings.low < settings.high)) {
    throw base::UserError({.key = "continuation.high",
                           .problem = fmt::format("{} to {} is no range", settings.low, settings.high),
                           .expected = "a number > continuation.low"});
  }
  // What the model says of the end where the first branch begins.
  base::checked(base::find_parameter(parameters, settings.parameter),
                settings.from == From::low ? settings.low : settings.high);
}

MatrixXd visible_start(Start start, const MatrixXd& patterns) {
  switch (start) {
    case Start::pattern:
      return patterns.col(0);
    case Start::mean:
      return patterns.rowwise().mean();
    case Start::mixture:
      return patterns.leftCols(std::min<Index>(2, patterns.cols())).rowwise().mean();
    case Start::zero:
      break;
  }
  return MatrixXd::Zero(patterns.rows(), 1);
}

/// Where the network settles from a state.
VectorXd settled(const dynamics::Network<double>& network, const MatrixXd& state,
                 const base::Deadline& deadline) {
  dynamics::SimulationOptions<double> options;
  options.duration = 1000;
  options.convergence = dynamics::Convergence{.bound = 1e-8};
  options.deadline = deadline;
  return dynamics::simulate<double>(network, state, options).state.col(0);
}

/// Values of all branches over (branch, along[, pattern]), NaN or empty strings where a branch is shorter.
template <class T, class Get>
store::LabelledArray ragged(const std::string& name, const std::string& along,
                            const std::vector<Branch>& branches, std::size_t length, const T& nothing,
                            const std::string& units, const std::string& long_name, const Get& get) {
  std::vector<T> values;
  for (const Branch& branch : branches) {
    for (std::size_t k = 0; k < length; ++k) {
      const std::size_t own = along == "step" ? branch.points.size() : branch.special.size();
      values.push_back(k < own ? get(branch, k) : nothing);
    }
  }
  return {.name = name,
          .dimensions = {"branch", along},
          .shape = {branches.size(), length},
          .values = std::move(values),
          .units = units,
          .long_name = long_name};
}

store::Dataset run(const base::Point& point, const sweep::RunContext& context) {
  const ContinuationSettings settings = continuation_table().read(point);
  const models::Memory& memory = models::memory_of(point);
  const base::Parameter& parameter = base::find_parameter(memory.model.parameters, settings.parameter);
  const MatrixXd patterns = tasks::load_patterns(tasks::pattern_table().read(point), context.key).patterns;
  const landscape::NetworkAt network_at = [&](double value) {
    base::Point there = point;
    there[settings.parameter] = base::checked(parameter, value);
    return models::with_biology(memory.build(there, patterns, context.key),
                                models::biology_table().read(there), context.key);
  };
  const landscape::ContinuationOptions options = options_of(settings, context.deadline);
  const double begin = settings.from == From::low ? settings.low : settings.high;
  VectorXd start = models::initial_state(network_at(begin), visible_start(settings.start, patterns)).col(0);
  if (settings.start == Start::pattern) start = settled(network_at(begin), start, context.deadline);
  std::vector<Branch> branches = {landscape::continue_branch(network_at, start, begin, options)};
  if (settings.branches) {
    const std::vector<landscape::SpecialPoint> special = branches.front().special;
    for (const landscape::SpecialPoint& at : special) {
      if (at.kind == landscape::SpecialKind::fold || at.kind == landscape::SpecialKind::hopf) continue;
      for (const landscape::BranchStart& other : landscape::switch_branch(network_at, at, options)) {
        landscape::ContinuationOptions onward = options;
        onward.direction = other.direction;
        branches.push_back(landscape::continue_branch(network_at, other.state, other.parameter, onward));
      }
    }
  }

  std::size_t steps = 0;
  std::size_t specials = 1;
  for (const Branch& branch : branches) {
    steps = std::max(steps, branch.points.size());
    specials = std::max(specials, branch.special.size());
  }
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const bool has_energy = dynamics::certify(network_at(begin)).has_energy;
  const auto over_steps = [&](const char* name, const char* units, const char* long_name, const auto& get) {
    return ragged<double>(
        name, "step", branches, steps, kNaN, units, long_name,
        [&](const Branch& branch, std::size_t k) -> double { return get(branch.points[k]); });
  };
  const auto over_special = [&](const char* name, const std::string& units, const char* long_name,
                                const auto& get) {
    return ragged<double>(
        name, "special", branches, specials, kNaN, units, long_name,
        [&](const Branch& branch, std::size_t k) -> double { return get(branch.special[k]); });
  };
  store::Dataset result;
  result.arrays.push_back(over_steps("parameter", parameter.unit.c_str(), settings.parameter.c_str(),
                                     [](const auto& at) { return at.parameter; }));
  result.arrays.push_back(over_steps("energy", "1", "energy of the memory", [&](const auto& at) {
    return has_energy ? dynamics::energies<double>(network_at(at.parameter), at.state)[0] : kNaN;
  }));
  result.arrays.push_back(over_steps("leading_eigenvalue", "1/ms",
                                     "largest real part of the Jacobian's eigenvalues",
                                     [](const auto& at) { return at.eigenvalues[0].real(); }));
  result.arrays.push_back(over_steps("unstable", "1", "eigenvalues with positive real parts",
                                     [](const auto& at) { return static_cast<double>(at.unstable); }));
  result.arrays.push_back(over_steps("length", "1", "length of the visible output", [&](const auto& at) {
    return models::visible_output(network_at(at.parameter), at.state).norm();
  }));
  const std::size_t m = static_cast<std::size_t>(patterns.cols());
  std::vector<double> overlaps(branches.size() * steps * m, kNaN);
  for (std::size_t b = 0; b < branches.size(); ++b) {
    for (std::size_t k = 0; k < branches[b].points.size(); ++k) {
      const landscape::BranchPoint& at = branches[b].points[k];
      const VectorXd cosines =
          models::overlaps(patterns, models::visible_output(network_at(at.parameter), at.state));
      std::ranges::copy(cosines, overlaps.begin() + static_cast<std::ptrdiff_t>((b * steps + k) * m));
    }
  }
  result.arrays.push_back({.name = "overlap",
                           .dimensions = {"branch", "step", "pattern"},
                           .shape = {branches.size(), steps, m},
                           .values = std::move(overlaps),
                           .long_name = "cosine of the visible output with the stored pattern"});
  result.arrays.push_back(ragged<std::string>(
      "special_kind", "special", branches, specials, "", "1", "what happens at the special point",
      [](const Branch& branch, std::size_t k) { return base::name_of(branch.special[k].kind); }));
  result.arrays.push_back(over_special("special_parameter", parameter.unit, "where it happens",
                                       [](const auto& at) { return at.parameter; }));
  result.arrays.push_back(over_special("special_coefficient", "1/ms",
                                       "leading coefficient of the normal form there",
                                       [](const auto& at) { return at.coefficient; }));
  std::vector<std::uint8_t> endings;
  std::vector<std::string> messages;
  for (const Branch& branch : branches) {
    endings.push_back(static_cast<std::uint8_t>(branch.end));
    messages.push_back(branch.message);
  }
  result.arrays.push_back({.name = "ending",
                           .dimensions = {"branch"},
                           .shape = {branches.size()},
                           .values = std::move(endings),
                           .long_name = "how the branch ended",
                           .attributes = flag_attributes(names(landscape::BranchEnd{}))});
  result.arrays.push_back({.name = "message",
                           .dimensions = {"branch"},
                           .shape = {branches.size()},
                           .values = std::move(messages),
                           .long_name = "what the model said where a branch left its domain"});
  return result;
}

}  // namespace

sweep::Experiment continuation() {
  std::vector<base::Parameter> parameters = models::memory_parameters();
  for (const auto* more : {&tasks::pattern_table().parameters(), &continuation_table().parameters()})
    parameters.insert(parameters.end(), more->begin(), more->end());
  return {.name = "continuation",
          .title = "How the fixed points of a memory change with one of its parameters",
          .parameters = std::move(parameters),
          .check = check,
          .run = run};
}

}  // namespace ecphory::experiments
