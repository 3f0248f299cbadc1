#include "ecphory/tasks/patterns.hpp"

#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include <fmt/format.h>

namespace ecphory::tasks {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

constexpr base::Purpose kPatterns("patterns.elements");
constexpr base::Purpose kDamage("patterns.damage");

/// The first k elements of a random permutation of 0 … n−1 (Fisher & Yates).
std::vector<Index> draw_subset(Index n, Index k, const base::RandomStream& stream) {
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  for (Index i = 0; i < k; ++i) {
    std::uint64_t drawn = 0;
    stream.integers(static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(n - i), {&drawn, 1});
    std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(i) + drawn]);
  }
  order.resize(static_cast<std::size_t>(k));
  return order;
}

}  // namespace

std::span<const std::string_view> names(PatternKind) {
  static constexpr std::array<std::string_view, 3> kNames = {"binary", "gaussian", "spherical"};
  return kNames;
}

std::span<const std::string_view> names(Transform) {
  static constexpr std::array<std::string_view, 3> kNames = {"none", "sign", "unit"};
  return kNames;
}

std::span<const std::string_view> names(Damage) {
  static constexpr std::array<std::string_view, 4> kNames = {"flip", "mask", "noise", "shell"};
  return kNames;
}

const base::ParameterTable<PatternParameters>& pattern_table() {
  using P = PatternParameters;
  static const auto table =
      base::ParameterTable<P>("task")
          .add("neurons", &P::neurons, "1", "elements of a random pattern N", base::between(1, 1e6))
          .add("patterns", &P::patterns, "1", "stored patterns M", base::between(1, 1e6))
          .when("task.load == 0")
          .add("load", &P::load, "1", "stored patterns per neuron M/N; 0: task.patterns says M",
               base::between(0, 1e6))
          .when("task.file == \"\"")
          .add("kind", &P::kind, "1", "how patterns are drawn: elements -1 or 1, N(0, 1/N), or unit vectors")
          .add("file", &P::file, "1",
               "IDX, NPY or HDF5 (FILE.h5:VARIABLE) file of patterns; empty: random ones")
          .add("transform", &P::transform, "1",
               "what is done to a file's patterns: made -1 and 1, or unit vectors")
          .add("cues", &P::cues, "1", "trajectories; cue j is pattern j mod M, damaged",
               base::between(1, 1e6))
          .add("damage", &P::damage, "1", "how a cue differs from its pattern")
          .add("level", &P::level, "1", "fraction flipped or masked; relative size of the noise or the shell",
               base::between(0, 1e6));
  return table;
}

std::int64_t pattern_count(const PatternParameters& p) {
  if (p.load == 0) return p.patterns;
  const std::int64_t count = std::llround(p.load * static_cast<double>(p.neurons));
  if (count >= 1) return count;
  throw base::UserError(
      {.key = "task.load",
       .problem = fmt::format("{} patterns per neuron of {} neurons is no pattern", p.load, p.neurons),
       .expected = "at least one pattern",
       .remedy = fmt::format("a load of at least {:.3g}", 1 / static_cast<double>(p.neurons))});
}

MatrixXd draw_patterns(const PatternParameters& parameters, const base::RandomKey& key) {
  MatrixXd patterns(parameters.neurons, pattern_count(parameters));
  for (Index j = 0; j < patterns.cols(); ++j) {
    const std::span<double> column(patterns.col(j).data(), static_cast<std::size_t>(patterns.rows()));
    base::RandomStream(key, kPatterns, static_cast<std::uint32_t>(j)).normals(0, column);
  }
  switch (parameters.kind) {
    case PatternKind::binary:
      return (patterns.array() < 0).select(MatrixXd::Constant(patterns.rows(), patterns.cols(), -1.0), 1.0);
    case PatternKind::gaussian:
      return patterns / std::sqrt(static_cast<double>(parameters.neurons));
    case PatternKind::spherical:
      patterns.colwise().normalize();
      return patterns;
  }
  throw base::Bug("a kind of pattern that is not drawn");
}

FilePatterns load_patterns(const PatternParameters& parameters, const base::RandomKey& key) {
  if (parameters.file.empty()) {
    return {.patterns = draw_patterns(parameters, key),
            .shape = {static_cast<std::size_t>(parameters.neurons)}};
  }
  FilePatterns result = read_patterns(parameters.file, static_cast<std::size_t>(parameters.patterns));
  MatrixXd& patterns = result.patterns;
  if (parameters.transform == Transform::sign) {
    const double middle = (patterns.minCoeff() + patterns.maxCoeff()) / 2;
    patterns = (patterns.array() > middle).select(MatrixXd::Ones(patterns.rows(), patterns.cols()), -1.0);
  }
  if (parameters.transform == Transform::unit) {
    patterns.rowwise() -= patterns.colwise().mean().eval();
    for (Index j = 0; j < patterns.cols(); ++j) {
      const double length = patterns.col(j).norm();
      if (!(length > 0)) {
        throw base::UserError({.key = parameters.file,
                               .problem = fmt::format("the elements of item {} are all equal", j),
                               .expected = "patterns that differ from their mean",
                               .remedy = "leave it out, or use the transform none"});
      }
      patterns.col(j) /= length;
    }
  }
  return result;
}

MatrixXd damaged(const MatrixXd& patterns, Damage damage, double level, std::int64_t cues,
                 const base::RandomKey& key) {
  MatrixXd result(patterns.rows(), cues);
  const auto count =
      static_cast<Index>(std::lround(std::min(level, 1.0) * static_cast<double>(patterns.rows())));
  for (Index j = 0; j < cues; ++j) {
    auto cue = result.col(j);
    cue = patterns.col(j % patterns.cols());
    const base::RandomStream stream(key, kDamage, static_cast<std::uint32_t>(j));
    if (damage == Damage::mask) cue.tail(count).setZero();
    if (damage == Damage::flip) {
      for (const Index i : draw_subset(patterns.rows(), count, stream)) cue[i] = -cue[i];
    }
    if (damage == Damage::noise || damage == Damage::shell) {
      Eigen::VectorXd noise(patterns.rows());
      stream.normals(0, std::span(noise.data(), static_cast<std::size_t>(noise.size())));
      if (damage == Damage::shell) noise *= std::sqrt(static_cast<double>(noise.size())) / noise.norm();
      cue += level * cue.norm() / std::sqrt(static_cast<double>(patterns.rows())) * noise;
    }
  }
  return result;
}

}  // namespace ecphory::tasks
