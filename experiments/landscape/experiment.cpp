// What a memory's dynamics hold: fixed points, their classes, spectra and basins, and a section through the
// basins.

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "ecphory/base/wilson.hpp"
#include "ecphory/experiments/experiments.hpp"
#include "ecphory/experiments/memory_runs.hpp"
#include "ecphory/landscape/fixed_points.hpp"
#include "ecphory/tasks/patterns.hpp"

namespace ecphory::experiments {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using landscape::FixedPoints;

enum class StartKind {
  random,  ///< N(0, spread²) in units of the patterns' root mean square
  cues,    ///< damaged patterns, as the task says
  pairs,   ///< midpoints of pairs of patterns
};

std::span<const std::string_view> names(StartKind) {
  static constexpr std::array<std::string_view, 3> kNames = {"random", "cues", "pairs"};
  return kNames;
}

struct LandscapeSettings {
  StartKind starts = StartKind::random;
  std::int64_t count = 500;
  double spread = 1;
  bool relax = true;
  double merge_distance = 1e-4;
  std::int64_t eigenvalues = 3;
  std::int64_t section = 0;
  double section_reach = 1.5;
};

const base::ParameterTable<LandscapeSettings>& table() {
  using S = LandscapeSettings;
  static const auto table =
      base::ParameterTable<S>("landscape")
          .add("starts", &S::starts, "1",
               "from where fixed points are searched: random states, damaged patterns, or midpoints of pairs "
               "of patterns")
          .add("count", &S::count, "1", "of random states and pairs: at most how many", base::between(1, 1e7))
          .when("landscape.starts != \"cues\"")
          .add("spread", &S::spread, "1",
               "standard deviation of random states, in the patterns' root mean square", base::above(0))
          .when("landscape.starts == \"random\"")
          .add("relax", &S::relax, "1",
               "starts follow the dynamics before Newton's method, which then finds attractors; without, "
               "saddles too")
          .add("merge_distance", &S::merge_distance, "1",
               "root mean square difference below which two states are one", base::above(0))
          .add("eigenvalues", &S::eigenvalues, "1", "leading eigenvalues of each that are kept",
               base::between(1, 1e4))
          .add("section", &S::section, "1",
               "also a section of so many by so many starts through the plane of the first three patterns; "
               "0: none",
               base::between(0, 1e4))
          .add("section_reach", &S::section_reach, "1",
               "how far it reaches from the patterns' centre, in units of the first pattern's distance from "
               "it",
               base::above(0))
          .when("landscape.section > 0");
  return table;
}

MatrixXd random_states(const MatrixXd& patterns, const LandscapeSettings& s, const base::RandomKey& key) {
  MatrixXd x(patterns.rows(), s.count);
  base::RandomStream(key, base::Purpose("landscape.starts"))
      .normals(0, std::span(x.data(), static_cast<std::size_t>(x.size())));
  return s.spread * std::sqrt(patterns.squaredNorm() / static_cast<double>(patterns.size())) * x;
}

MatrixXd midpoints(const MatrixXd& patterns, Index most) {
  std::vector<Eigen::VectorXd> middle;
  for (Index i = 0; i < patterns.cols(); ++i) {
    for (Index j = 0; j < i && std::ssize(middle) < most; ++j)
      middle.emplace_back((patterns.col(i) + patterns.col(j)) / 2);
  }
  MatrixXd all(patterns.rows(), std::ssize(middle));
  for (std::size_t k = 0; k < middle.size(); ++k) all.col(static_cast<Index>(k)) = middle[k];
  return all;
}

MatrixXd visible_starts(const MemoryRun& memory, const LandscapeSettings& s, const base::RandomKey& key) {
  switch (s.starts) {
    case StartKind::random:
      return random_states(memory.patterns, s, key);
    case StartKind::cues:
      return memory.cues;
    case StartKind::pairs:
      return midpoints(memory.patterns, s.count);
  }
  throw base::Bug("a kind of starts that is not drawn");
}

void check_section(const LandscapeSettings& s, Index patterns) {
  if (s.section == 0 || patterns >= 3) return;
  throw base::UserError({.key = "landscape.section",
                         .problem = fmt::format("{} patterns make no plane", patterns),
                         .expected = "at least three patterns",
                         .remedy = "store more, or set landscape.section to 0"});
}

/// Coordinates along two orthonormal directions of the plane of three patterns, from their centre.
struct Plane {
  Eigen::VectorXd centre, across, up;
  double reach;

  Plane(const MatrixXd& patterns, double reach_in_patterns)
      : centre(patterns.leftCols(3).rowwise().mean()),
        across(patterns.col(0) - centre),
        up(patterns.col(1) - centre) {
    reach = reach_in_patterns * across.norm();
    across.normalize();
    up -= up.dot(across) * across;
    up.normalize();
  }
};

template <class T, class Of>
store::LabelledArray over_points(const std::string& name, Index count, const std::string& long_name,
                                 const Of& of, const std::string& units = "1") {
  std::vector<T> values;
  for (Index k = 0; k < count; ++k) values.push_back(of(k));
  return {.name = name,
          .dimensions = {"fixed_point"},
          .shape = {static_cast<std::size_t>(count)},
          .values = std::move(values),
          .units = units,
          .long_name = long_name};
}

void add_points(const MemoryRun& memory, const FixedPoints& found, store::Dataset& result) {
  const Index n = found.count();
  const auto starts = static_cast<std::int64_t>(found.reached.size());
  const auto at = [](const auto& list, Index k) -> const auto& { return list[static_cast<std::size_t>(k)]; };
  const auto share = [&](Index k) { return base::wilson_interval(at(found.basin, k), starts); };
  const auto add = [&](store::LabelledArray array) { result.arrays.push_back(std::move(array)); };
  add(over_points<std::int64_t>("basin", n, "starts that led to the fixed point",
                                [&](Index k) { return at(found.basin, k); }));
  add(over_points<double>("share", n, "share of the starts", [&](Index k) { return share(k).value; }));
  add(over_points<double>("share_low", n, "lower end of the 95% Wilson interval",
                          [&](Index k) { return share(k).low; }));
  add(over_points<double>("share_high", n, "upper end of the 95% Wilson interval",
                          [&](Index k) { return share(k).high; }));
  add(over_points<double>("energy", n, "energy; NaN where the memory has none",
                          [&](Index k) { return found.energy[k]; }));
  add(over_points<double>("residual", n, "root mean square of tau dx/dt",
                          [&](Index k) { return found.residual[k]; }));
  add(over_points<std::int64_t>("index", n,
                                "directions in which a deviation grows: 0 is stable, more a saddle",
                                [&](Index k) { return at(found.index, k); }));
  store::LabelledArray kind = over_points<std::uint8_t>(
      "class", n, "what the fixed point is, seen from the patterns",
      [&](Index k) { return static_cast<std::uint8_t>(at(found.classes, k).kind); });
  kind.attributes = flag_attributes(names(landscape::FixedPointClass{}));
  add(std::move(kind));
  add(over_points<std::int64_t>("nearest", n, "pattern with the largest cosine in size, from 0",
                                [&](Index k) { return at(found.classes, k).pattern; }));
  add(over_points<double>("cosine", n, "cosine of the output with that pattern",
                          [&](Index k) { return at(found.classes, k).cosine; }));
  add(over_points<std::int64_t>("mixed", n, "patterns that it mixes; 1 for a stored one",
                                [&](Index k) { return at(found.classes, k).mixed; }));
  for (const bool real : {true, false}) {
    std::vector<double> values;
    for (Index k = 0; k < n; ++k) {
      for (Index e = 0; e < found.eigenvalues.rows(); ++e)
        values.push_back(real ? found.eigenvalues(e, k).real() : found.eigenvalues(e, k).imag());
    }
    add({.name = real ? "eigenvalue" : "eigenvalue_imaginary",
         .dimensions = {"fixed_point", "mode"},
         .shape = {static_cast<std::size_t>(n), static_cast<std::size_t>(found.eigenvalues.rows())},
         .values = std::move(values),
         .units = "1/ms",
         .long_name = real ? "leading eigenvalues of the Jacobian, real part" : "imaginary part"});
  }
  const MatrixXd overlaps = models::overlaps(memory.patterns, found.output);
  add({.name = "overlap",
       .dimensions = {"fixed_point", "pattern"},
       .shape = {static_cast<std::size_t>(n), static_cast<std::size_t>(overlaps.rows())},
       .values = std::vector<double>(overlaps.data(), overlaps.data() + overlaps.size()),
       .long_name = "cosine of the visible output with the stored pattern"});
}

void add_section(const MemoryRun& memory, const LandscapeSettings& s,
                 const landscape::FixedPointOptions& options, store::Dataset& result) {
  const Plane plane(memory.patterns, s.section_reach);
  const Index n = s.section;
  const Eigen::VectorXd ticks = Eigen::VectorXd::LinSpaced(n, -plane.reach, plane.reach);
  MatrixXd visible(memory.patterns.rows(), n * n);
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j)
      visible.col(i * n + j) = plane.centre + ticks[j] * plane.across + ticks[i] * plane.up;
  }
  const FixedPoints found = landscape::fixed_points(
      memory.memory, models::initial_state(memory.memory, visible), options, memory.patterns);
  std::vector<std::int64_t> reached;
  for (const Index point : found.reached) {
    const bool stored = point >= 0 && found.classes[static_cast<std::size_t>(point)].kind ==
                                          landscape::FixedPointClass::stored;
    reached.push_back(stored ? found.classes[static_cast<std::size_t>(point)].pattern : -1);
  }
  const std::vector<double> along(ticks.data(), ticks.data() + n);
  result.arrays.push_back(
      store::coordinate("up", along, "1", "distance from the patterns' centre, across the first"));
  result.arrays.push_back(
      store::coordinate("across", along, "1", "distance from the patterns' centre, towards the first"));
  result.arrays.push_back(
      {.name = "section",
       .dimensions = {"up", "across"},
       .shape = {static_cast<std::size_t>(n), static_cast<std::size_t>(n)},
       .values = std::move(reached),
       .long_name = "pattern that a start in the plane of the first three retrieves, from 0; -1: none"});
}

landscape::FixedPointOptions options_of(const base::Point& point, const MemoryRun& memory,
                                        const sweep::RunContext& context) {
  const LandscapeSettings s = table().read(point);
  landscape::FixedPointOptions options;
  if (s.relax) {
    options.relax = landscape::relaxation(memory.memory);
    options.relax->deadline = context.deadline;
  }
  options.merge_distance = s.merge_distance;
  options.spectrum.leading = s.eigenvalues;
  return options;
}

store::Dataset run(const base::Point& point, const sweep::RunContext& context) {
  const MemoryRun memory = prepare_memory(point, context.key);
  const LandscapeSettings s = table().read(point);
  const landscape::FixedPointOptions options = options_of(point, memory, context);
  const MatrixXd starts = models::initial_state(memory.memory, visible_starts(memory, s, context.key));
  const FixedPoints found = landscape::fixed_points(memory.memory, starts, options, memory.patterns);
  store::Dataset result;
  add_points(memory, found, result);
  const auto lost = std::ranges::count(found.reached, Index{-1});
  result.arrays.push_back(
      store::scalar("lost", static_cast<double>(lost), "1", "starts from which no fixed point was found"));
  if (s.section > 0) {
    auto relaxed = options;
    if (!relaxed.relax) relaxed.relax = landscape::relaxation(memory.memory);
    add_section(memory, s, relaxed, result);
  }
  return result;
}

void check(const base::Point& point) {
  check_memory(point);
  check_section(table().read(point), tasks::pattern_count(tasks::pattern_table().read(point)));
  const models::Memory& memory = models::memory_of(point);
  const Index neurons = memory.check ? memory.check(point, 0) : 2;
  landscape::check(memory.build(point, MatrixXd::Ones(neurons, 1), {}), landscape::NewtonOptions{});
}

double cost(const base::Point& point) {
  const LandscapeSettings s = table().read(point);
  return cost_of_memory(point) * static_cast<double>(s.count + s.section * s.section);
}

}  // namespace

sweep::Experiment landscape_of_memory() {
  return {.name = "landscape",
          .title = "Fixed points of a memory, their classes, spectra and basins",
          .parameters = memory_experiment_parameters(table().parameters()),
          .check = check,
          .run = run,
          .cost = cost};
}

}  // namespace ecphory::experiments
