#pragma once
// In-context sequences: item, label, item, label …, and a last item whose label is to be completed
// (Burns, Fukai & Earls 2024, arXiv 2412.15113).

#include <cstdint>
#include <string_view>
#include <vector>

#include "ecphory/base/parameters.hpp"
#include "ecphory/base/random.hpp"
#include "ecphory/compute/array.hpp"

namespace ecphory::tasks {

/// Variance per element of an item's noise before it is weighted with ε.
enum class NoiseScale {
  released,  ///< 1/D², as in the authors' released code
  text,      ///< 1/D, as the field writes it
};
std::span<const std::string_view> names(NoiseScale);

struct InContextSequenceParameters {
  std::int64_t classes = 50;
  std::int64_t length = 20;
  std::int64_t dimension = 100;
  double noise = 0.1;
  NoiseScale noise_scale = NoiseScale::released;
};

/// Settings of the section `task`.
const base::ParameterTable<InContextSequenceParameters>& in_context_sequence_table();

/// One context. Reused from trial to trial: drawing overwrites it.
template <class Real>
struct InContextSequence {
  compute::Array<Real> tokens;        ///< (dimension, length); the last column, the masked label, is zero
  std::vector<Real> label;            ///< (dimension) the label that completes the context
  std::vector<std::int64_t> classes;  ///< (length / 2) class of each item; the last is the query's
};

/// Draws trial number `trial`:
///     items   (μ_class + ε η) / √(1 + ε²),  μ ~ N(0, 1/D) and η ~ N(0, 1/D² or 1/D) per element
///     labels  ~ N(0, 1/D) per element
/// The length/2 − 1 context classes are uniform on 1 … classes−1 with replacement; the query's is one of
/// them. Vectors belong to the trial: only those that it uses are drawn, in single precision, so float and
/// double hold the same sequence. `parameters` are within the limits of the table.
template <class Real>
void draw(const InContextSequenceParameters& parameters, const base::RandomKey& key, std::uint32_t trial,
          InContextSequence<Real>& sequence);

extern template void draw<float>(const InContextSequenceParameters&, const base::RandomKey&, std::uint32_t,
                                 InContextSequence<float>&);
extern template void draw<double>(const InContextSequenceParameters&, const base::RandomKey&, std::uint32_t,
                                  InContextSequence<double>&);

}  // namespace ecphory::tasks
