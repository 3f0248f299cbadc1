#include "ecphory/tasks/gaussian_mixture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "ecphory/base/exception_slot.hpp"

namespace ecphory::tasks {
namespace {

using compute::Index;
using Parameters = GaussianMixtureParameters;

constexpr base::Purpose kClasses("gaussian_mixture.classes");
constexpr base::Purpose kLabels("gaussian_mixture.labels");
constexpr Index kParallelSize = 1 << 14;  // elements of a batch below which threads do not pay

// Places of a sequence's uniforms.
constexpr std::size_t kBursty = 0;
constexpr std::size_t kNovel = 1;
constexpr std::size_t kShift = 2;
constexpr std::size_t kQuery = 3;
constexpr std::size_t kItem = 4;
std::size_t label_place(const Parameters& p) { return kItem + static_cast<std::size_t>(p.pairs); }
std::size_t shuffle_place(const Parameters& p) { return label_place(p) + static_cast<std::size_t>(p.pairs); }
std::size_t uniform_count(const Parameters& p) {
  return shuffle_place(p) + static_cast<std::size_t>(p.pairs) - 1;
}
/// Behind the words of the uniforms, at a whole block.
std::uint64_t normal_place(const Parameters& p) { return 8 * static_cast<std::uint64_t>(p.pairs + 1); }

/// A whole number on 0 … n−1 from u in (0, 1). A double below 1 times n is below n, also when rounded.
std::int32_t whole(double u, std::int64_t n) { return static_cast<std::int32_t>(u * static_cast<double>(n)); }

/// What a sequence is, before its vectors. Kept from sequence to sequence for its memory.
struct Plan {
  std::vector<double> uniforms;
  std::vector<std::int32_t> classes;  ///< of each slot: the classes that the sequence has
  std::vector<std::int32_t> slots;    ///< (N + 1) which of them each item has
  bool novel = false;
};

/// Fills the slots with classes of different labels, among classes 0 … `classes` − 1.
void draw_with_distinct_labels(const Parameters& p, std::int64_t classes, Plan& plan) {
  const std::size_t distinct = plan.classes.size();
  for (std::size_t i = 0; i < distinct; ++i) {
    // Floyd's sampling without replacement (Bentley & Floyd 1987): each set of labels is equally likely;
    // their order is not, and the shuffle makes it so.
    const auto last = static_cast<std::int32_t>(p.labels - static_cast<std::int64_t>(distinct - i));
    const std::int32_t drawn = whole(plan.uniforms[label_place(p) + i], last + 1);
    const auto taken = [&](std::int32_t label) {
      return std::any_of(plan.classes.begin(), plan.classes.begin() + static_cast<std::ptrdiff_t>(i),
                         [&](std::int32_t c) { return c % p.labels == label; });
    };
    const std::int64_t label = taken(drawn) ? last : drawn;
    const std::int64_t of_label = whole(plan.uniforms[kItem + i], classes / p.labels);
    plan.classes[i] = static_cast<std::int32_t>(label + p.labels * of_label);
  }
}

std::int32_t known_class(const Parameters& p, const std::vector<double>& cumulative, double u) {
  if (cumulative.empty()) return whole(u, p.classes);
  return static_cast<std::int32_t>(std::upper_bound(cumulative.begin(), cumulative.end(), u) -
                                   cumulative.begin());
}

/// Slot i mod N/B for item i, in random order (Fisher & Yates), and the query in the slot of one of them.
void arrange_in_bursts(const Parameters& p, Plan& plan) {
  const auto pairs = static_cast<std::size_t>(p.pairs);
  for (std::size_t i = 0; i < pairs; ++i) {
    plan.slots[i] = static_cast<std::int32_t>(i % plan.classes.size());
  }
  for (std::size_t i = 0; i + 1 < pairs; ++i) {
    const auto other = i + static_cast<std::size_t>(
                               whole(plan.uniforms[shuffle_place(p) + i], p.pairs - static_cast<Index>(i)));
    std::swap(plan.slots[i], plan.slots[other]);
  }
  plan.slots[pairs] = plan.slots[static_cast<std::size_t>(whole(plan.uniforms[kQuery], p.pairs))];
}

void make_plan(const Parameters& p, const std::vector<double>& cumulative, const base::RandomStream& stream,
               Plan& plan) {
  const auto pairs = static_cast<std::size_t>(p.pairs);
  plan.uniforms.resize(uniform_count(p));
  plan.slots.resize(pairs + 1);
  stream.uniforms(0, std::span(plan.uniforms));
  plan.novel = plan.uniforms[kNovel] < p.novel;
  if (!plan.novel && plan.uniforms[kBursty] >= p.bursty) {
    plan.classes.resize(pairs + 1);
    for (std::size_t i = 0; i < pairs; ++i) {
      plan.classes[i] = known_class(p, cumulative, plan.uniforms[kItem + i]);
    }
    plan.classes[pairs] = known_class(p, cumulative, plan.uniforms[kQuery]);
    std::iota(plan.slots.begin(), plan.slots.end(), 0);
    return;
  }
  plan.classes.resize(static_cast<std::size_t>(p.pairs / p.burstiness));
  if (!p.repeated_labels) {
    draw_with_distinct_labels(p, plan.novel ? p.novel_classes : p.classes, plan);
  } else {
    for (std::size_t i = 0; i < plan.classes.size(); ++i) {
      const double u = plan.uniforms[kItem + i];
      plan.classes[i] = plan.novel ? whole(u, p.novel_classes) : known_class(p, cumulative, u);
    }
  }
  arrange_in_bursts(p, plan);
}

/// Sequence `s` of the batch. Owns nothing: `plan` and `normals` are overwritten.
template <class Real>
void draw_sequence(const Parameters& p, const GaussianMixture<Real>& mixture,
                   const base::RandomStream& stream, std::size_t s, InContextBatch<Real>& batch, Plan& plan,
                   std::vector<float>& normals) {
  make_plan(p, mixture.cumulative, stream, plan);

  // One request for all normals: (D, N + 1) noise | (D, N/B) novel means, of slots; a class that comes again
  // has the mean of its first slot.
  const auto dimension = static_cast<std::size_t>(p.dimension);
  const auto items = static_cast<std::size_t>(p.pairs + 1);
  normals.resize(dimension * (items + (plan.novel ? plan.classes.size() : 0)));
  stream.normals(normal_place(p), std::span(normals));

  const double d = static_cast<double>(p.dimension);
  const double norm = std::sqrt(1 + p.noise * p.noise);
  const auto spread = static_cast<Real>(1 / std::sqrt(d));
  const auto mean_weight = static_cast<Real>(1 / norm);
  const auto noise_weight = static_cast<Real>(p.noise / (norm * std::sqrt(d)));

  Real* token = batch.content.data() + s * (2 * items - 1) * dimension;
  std::int64_t label = 0;
  for (std::size_t i = 0; i < items; ++i) {
    const std::int32_t drawn = plan.classes[static_cast<std::size_t>(plan.slots[i])];
    const float* noise = normals.data() + i * dimension;
    if (plan.novel) {
      const auto slot = std::find(plan.classes.begin(), plan.classes.end(), drawn) - plan.classes.begin();
      const float* mean = normals.data() + (items + static_cast<std::size_t>(slot)) * dimension;
#pragma omp simd
      for (std::size_t k = 0; k < dimension; ++k) {
        const Real mu = static_cast<Real>(mean[k]) * spread;
        token[k] = std::fma(noise_weight, static_cast<Real>(noise[k]), mean_weight * mu);
      }
    } else {
      const Real* mean = mixture.classes.data() + static_cast<std::size_t>(drawn) * dimension;
#pragma omp simd
      for (std::size_t k = 0; k < dimension; ++k) {
        token[k] = std::fma(noise_weight, static_cast<Real>(noise[k]), mean_weight * mean[k]);
      }
    }
    token += dimension;
    label = (drawn + (p.swapped && !plan.novel ? 1 : 0)) % p.labels;
    if (i + 1 < items) {
      token =
          std::copy_n(mixture.labels.data() + static_cast<std::size_t>(label) * dimension, dimension, token);
    }
    batch.classes[s * items + i] = drawn + static_cast<std::int32_t>(plan.novel ? p.classes : 0);
  }
  batch.label[s] = static_cast<std::int32_t>(label);
  batch.shift[s] = whole(plan.uniforms[kShift], 2 * (p.most_pairs - p.pairs) + 1);
}

/// (D, columns) elements of N(0, 1/D).
template <class Real>
compute::Array<Real> draw_vectors(Index dimension, Index columns, const base::RandomKey& key,
                                  base::Purpose purpose) {
  std::vector<float> normals(static_cast<std::size_t>(dimension * columns));
  base::RandomStream(key, purpose).normals(0, std::span(normals));
  compute::Array<Real> vectors({dimension, columns});
  const auto spread = static_cast<Real>(1 / std::sqrt(static_cast<double>(dimension)));
  std::transform(normals.begin(), normals.end(), vectors.data(),
                 [&](float x) { return static_cast<Real>(x) * spread; });
  return vectors;
}

void ensure_multiple_of_labels(const char* key, std::int64_t classes, std::int64_t labels) {
  if (classes % labels == 0) return;
  throw base::UserError({.key = key,
                         .problem = fmt::format("{} classes cannot share {} labels equally", classes, labels),
                         .expected = "a multiple of task.labels",
                         .remedy = fmt::format("{} classes", (classes / labels + 1) * labels)});
}

}  // namespace

const base::ParameterTable<GaussianMixtureParameters>& gaussian_mixture_table() {
  using P = GaussianMixtureParameters;
  static const auto table =
      base::ParameterTable<P>("task")
          .add("classes", &P::classes, "1", "classes of the mixture K, a multiple of task.labels",
               base::between(1, 1e9))
          .add("labels", &P::labels, "1", "labels L; class k has label k mod L", base::between(1, 1e9))
          .add("pairs", &P::pairs, "1", "pairs of item and label in a context N", base::between(1, 1e4))
          .add("most_pairs", &P::most_pairs, "1",
               "pairs that there are positions for, at least task.pairs; a sequence begins anywhere in them",
               base::between(1, 1e4))
          .add("dimension", &P::dimension, "1", "elements of an item or a label D", base::between(1, 1e5))
          .add("noise", &P::noise, "1", "weight of an item's own noise ε", base::at_least(0))
          .add("burstiness", &P::burstiness, "1",
               "times that each class of a bursty context comes B, a divisor of task.pairs",
               base::between(1, 1e4))
          .add("bursty", &P::bursty, "1", "fraction of sequences that are bursty", base::between(0, 1))
          .add("novel", &P::novel, "1", "fraction of sequences of novel classes, always bursty",
               base::between(0, 1))
          .add("novel_classes", &P::novel_classes, "1",
               "classes that those of a novel sequence are drawn from, a multiple of task.labels",
               base::between(1, 1e9))
          .add("zipf", &P::zipf, "1", "exponent of the classes' probabilities 1/rank^α; 0: uniform",
               base::at_least(0))
          .add("repeated_labels", &P::repeated_labels, "1",
               "classes of a bursty context are drawn independently; otherwise their labels differ, and "
               "task.zipf is left to the other contexts");
  return table;
}

void check(const GaussianMixtureParameters& p) {
  ensure_multiple_of_labels("task.classes", p.classes, p.labels);
  ensure_multiple_of_labels("task.novel_classes", p.novel_classes, p.labels);
  if (p.pairs > p.most_pairs) {
    throw base::UserError({.key = "task.pairs",
                           .problem = fmt::format("{} pairs, and positions for {}", p.pairs, p.most_pairs),
                           .expected = "at most task.most_pairs",
                           .remedy = fmt::format("task.most_pairs = {}", p.pairs)});
  }
  if (p.pairs % p.burstiness != 0) {
    throw base::UserError(
        {.key = "task.burstiness",
         .problem = fmt::format("{} pairs are not classes of {} each", p.pairs, p.burstiness),
         .expected = "a divisor of task.pairs",
         .remedy = fmt::format("a burstiness of {}", std::gcd(p.pairs, p.burstiness))});
  }
  if (const std::int64_t distinct = p.pairs / p.burstiness; !p.repeated_labels && distinct > p.labels) {
    throw base::UserError(
        {.key = "task.labels",
         .problem =
             fmt::format("a bursty context has {} classes of different labels, and there are {} labels",
                         distinct, p.labels),
         .expected = "at least task.pairs / task.burstiness",
         .remedy = "more labels, a higher task.burstiness, or task.repeated_labels = true"});
  }
}

std::span<const std::string_view> names(TestSet) {
  static constexpr std::array<std::string_view, 4> kNames = {"mixed", "in_context", "swapped", "in_weights"};
  return kNames;
}

GaussianMixtureParameters parameters_of(TestSet set, GaussianMixtureParameters training) {
  if (set == TestSet::mixed) return training;
  training.bursty = set == TestSet::in_weights ? 0 : 1;
  training.novel = set == TestSet::in_context ? 1 : 0;
  training.swapped = set == TestSet::swapped;
  return training;
}

base::Purpose purpose_of(TestSet set) { return base::Purpose("gaussian_mixture." + base::name_of(set)); }

template <class Real>
GaussianMixture<Real> draw_mixture(const GaussianMixtureParameters& p, const base::RandomKey& key) {
  check(p);
  GaussianMixture<Real> mixture{.classes = draw_vectors<Real>(p.dimension, p.classes, key, kClasses),
                                .labels = draw_vectors<Real>(p.dimension, p.labels, key, kLabels),
                                .cumulative = {}};
  if (p.zipf == 0) return mixture;
  double sum = 0;
  for (std::int64_t rank = 1; rank <= p.classes; ++rank) {
    sum += std::pow(static_cast<double>(rank), -p.zipf);
    mixture.cumulative.push_back(sum);
  }
  for (double& c : mixture.cumulative) c /= sum;
  return mixture;
}

template <class Real>
InContextBatch<Real>::InContextBatch(const GaussianMixtureParameters& p, Index sequences)
    : content({p.dimension, (2 * p.pairs + 1) * sequences}),
      shift(static_cast<std::size_t>(sequences)),
      label(static_cast<std::size_t>(sequences)),
      classes(static_cast<std::size_t>((p.pairs + 1) * sequences)) {}

template <class Real>
void draw(const GaussianMixtureParameters& p, const GaussianMixture<Real>& mixture,
          const base::RandomKey& key, base::Purpose purpose, std::uint32_t first,
          InContextBatch<Real>& batch) {
  check(p);
  const std::size_t sequences = batch.shift.size();
  base::ensure(mixture.classes.shape() == std::vector<Index>{p.dimension, p.classes} &&
                   mixture.labels.shape() == std::vector<Index>{p.dimension, p.labels} &&
                   mixture.cumulative.empty() == (p.zipf == 0),
               "a mixture is drawn for the parameters of its sequences");
  base::ensure(batch.content.shape() ==
                   std::vector<Index>{p.dimension, (2 * p.pairs + 1) * static_cast<Index>(sequences)},
               "a batch is made for the parameters of its sequences");
  base::ensure(first + std::uint64_t{sequences} <= std::uint64_t{1} << 32U, "at most 2^32 sequences");
  base::ExceptionSlot exception;
#pragma omp parallel for if (batch.content.size() > kParallelSize)
  for (std::size_t s = 0; s < sequences; ++s) {
    exception.run([&] {
      thread_local Plan plan;
      thread_local std::vector<float> normals;
      const auto number = static_cast<std::uint32_t>(first + s);
      draw_sequence(p, mixture, base::RandomStream(key, purpose, number), s, batch, plan, normals);
    });
  }
  exception.rethrow();
}

template GaussianMixture<float> draw_mixture<float>(const GaussianMixtureParameters&, const base::RandomKey&);
template GaussianMixture<double> draw_mixture<double>(const GaussianMixtureParameters&,
                                                      const base::RandomKey&);
template struct InContextBatch<float>;
template struct InContextBatch<double>;
template void draw<float>(const GaussianMixtureParameters&, const GaussianMixture<float>&,
                          const base::RandomKey&, base::Purpose, std::uint32_t, InContextBatch<float>&);
template void draw<double>(const GaussianMixtureParameters&, const GaussianMixture<double>&,
                           const base::RandomKey&, base::Purpose, std::uint32_t, InContextBatch<double>&);

}  // namespace ecphory::tasks
