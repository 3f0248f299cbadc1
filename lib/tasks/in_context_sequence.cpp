#include "ecphory/tasks/in_context_sequence.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace ecphory::tasks {
namespace {

using compute::Index;

constexpr base::Purpose kClasses("in_context_sequence.classes");
constexpr base::Purpose kVectors("in_context_sequence.vectors");

/// Draws the class of every item; the last is the query's, one of the others. `classes` has length/2
/// elements.
void draw_classes(std::int64_t number_of_classes, const base::RandomStream& stream,
                  std::vector<std::int64_t>& classes) {
  const std::size_t context = classes.size() - 1;
  std::uint64_t drawn = 0;
  for (std::size_t i = 0; i < context; ++i) {
    stream.integers(i, static_cast<std::uint64_t>(number_of_classes - 1), {&drawn, 1});
    classes[i] = 1 + static_cast<std::int64_t>(drawn);
  }
  stream.integers(context, context, {&drawn, 1});
  classes[context] = classes[drawn];
}

}  // namespace

std::span<const std::string_view> names(NoiseScale) {
  static constexpr std::array<std::string_view, 2> kNames = {"released", "text"};
  return kNames;
}

const base::ParameterTable<InContextSequenceParameters>& in_context_sequence_table() {
  using P = InContextSequenceParameters;
  static const auto table =
      base::ParameterTable<P>("task")
          .add("classes", &P::classes, "1", "number of classes K; contexts use 1 … K-1",
               base::between(2, 1e15))
          .add("length", &P::length, "1", "tokens in a context L: items and labels in turn",
               {.low = 4, .high = 100000, .multiple_of = 2})
          .add("dimension", &P::dimension, "1", "elements of a token D", base::between(1, 100000))
          .add("noise", &P::noise, "1", "weight of an item's own noise ε", base::at_least(0))
          .add("noise_scale", &P::noise_scale, "1",
               "variance per element of that noise: 1/D² (released code) or 1/D (text)");
  return table;
}

template <class Real>
void draw(const InContextSequenceParameters& parameters, const base::RandomKey& key, std::uint32_t trial,
          InContextSequence<Real>& sequence) {
  const Index dimension = parameters.dimension;
  const Index items = parameters.length / 2;
  const Index context = items - 1;
  if (sequence.tokens.shape() != std::vector<Index>{dimension, parameters.length}) {
    sequence.tokens = compute::Array<Real>({dimension, parameters.length});
  }
  sequence.classes.resize(static_cast<std::size_t>(items));
  draw_classes(parameters.classes, base::RandomStream(key, kClasses, trial), sequence.classes);

  // One request for all normals: (D, 3·items − 2) = class means | labels | noise of each item. A class that
  // comes again uses the columns of its first appearance.
  thread_local std::vector<float> buffer;
  buffer.resize(static_cast<std::size_t>(dimension * (3 * items - 2)));
  base::RandomStream(key, kVectors, trial).normals(0, std::span(buffer));
  const Eigen::Map<const Eigen::MatrixXf> normals(buffer.data(), dimension, 3 * items - 2);
  const auto means = normals.leftCols(context);
  const auto labels = normals.middleCols(context, context);
  const auto noise = normals.rightCols(items);

  const auto d = static_cast<double>(dimension);
  const double noise_deviation = parameters.noise_scale == NoiseScale::released ? 1 / d : 1 / std::sqrt(d);
  const double norm = std::sqrt(1 + parameters.noise * parameters.noise);
  const auto mean_scale = static_cast<Real>(1 / std::sqrt(d) / norm);
  const auto noise_scale = static_cast<Real>(parameters.noise * noise_deviation / norm);
  const auto label_scale = static_cast<Real>(1 / std::sqrt(d));

  auto tokens = sequence.tokens.matrix();
  Index first = 0;
  for (Index i = 0; i < items; ++i) {
    const auto& classes = sequence.classes;
    first = std::find(classes.begin(), classes.end(), classes[static_cast<std::size_t>(i)]) - classes.begin();
    tokens.col(2 * i) = means.col(first).template cast<Real>() * mean_scale +
                        noise.col(i).template cast<Real>() * noise_scale;
    if (i < context) tokens.col(2 * i + 1) = labels.col(first).template cast<Real>() * label_scale;
  }
  tokens.col(parameters.length - 1).setZero();
  sequence.label.resize(static_cast<std::size_t>(dimension));
  Eigen::Map<Eigen::VectorX<Real>>(sequence.label.data(), dimension) =
      labels.col(first).template cast<Real>() * label_scale;
}

template void draw<float>(const InContextSequenceParameters&, const base::RandomKey&, std::uint32_t,
                          InContextSequence<float>&);
template void draw<double>(const InContextSequenceParameters&, const base::RandomKey&, std::uint32_t,
                           InContextSequence<double>&);

}  // namespace ecphory::tasks
