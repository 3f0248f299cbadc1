#include "ecphory/tasks/gaussian_mixture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "ecphory/base/exception_slot.hpp"
#include "ecphory/tasks/cuda_operations.hpp"
#include "ecphory/tasks/gaussian_mixture_plan.hpp"

namespace ecphory::tasks {
namespace {

using compute::Index;
using Parameters = GaussianMixtureParameters;

constexpr base::Purpose kClasses("gaussian_mixture.classes");
constexpr base::Purpose kLabels("gaussian_mixture.labels");
constexpr Index kParallelSize = 1 << 14;  // elements of a batch below which threads do not pay

/// Kept from sequence to sequence for its memory.
struct Scratch {
  std::vector<double> uniforms;
  std::vector<std::int32_t> slots;
  std::vector<std::int32_t> means;
  std::vector<float> normals;
};

/// Sequence `s` of the batch.
template <class Real>
void draw_sequence(const MixtureConstants<Real>& run, const base::RandomStream& stream, Index s,
                   InContextBatch<Real>& batch, Scratch& scratch) {
  const Parameters& p = run.parameters;
  const Index items = p.pairs + 1;
  scratch.uniforms.resize(static_cast<std::size_t>(uniform_count(p)));
  scratch.slots.resize(static_cast<std::size_t>(items));
  scratch.means.resize(static_cast<std::size_t>(items));
  stream.uniforms(0, std::span(scratch.uniforms));
  const SequencePlan plan{.uniforms = scratch.uniforms.data(),
                          .slots = scratch.slots.data(),
                          .classes = batch.classes.data() + s * items,
                          .means = scratch.means.data()};
  make_plan(p, run.cumulative, plan);
  batch.shift.data()[s] = shift_of(p, plan.uniforms);
  batch.label.data()[s] = label_of(p, plan.classes[p.pairs]);

  // One request for all normals: (D, N + 1) noise | (D, N/B) novel means.
  const bool novel = is_novel(p, plan.uniforms);
  const Index vectors = items + (novel ? p.pairs / p.burstiness : 0);
  scratch.normals.resize(static_cast<std::size_t>(p.dimension * vectors));
  stream.normals(static_cast<std::uint64_t>(normal_place(p)), std::span(scratch.normals));

  Real* token = batch.content.data() + s * (2 * p.pairs + 1) * p.dimension;
  for (Index i = 0; i < items; ++i) {
    const float* noise = scratch.normals.data() + i * p.dimension;
    if (novel) {
      const float* mean = scratch.normals.data() + (items + plan.means[i]) * p.dimension;
#pragma omp simd
      for (Index k = 0; k < p.dimension; ++k)
        token[k] = item_element(run, novel_mean(run, mean[k]), noise[k]);
    } else {
      const Real* mean = run.classes + plan.means[i] * p.dimension;
#pragma omp simd
      for (Index k = 0; k < p.dimension; ++k) token[k] = item_element(run, mean[k], noise[k]);
    }
    token += p.dimension;
    if (i == p.pairs) break;
    token = std::copy_n(run.labels + label_of(p, plan.classes[i]) * p.dimension, p.dimension, token);
  }
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
InContextBatch<Real>::InContextBatch(const GaussianMixtureParameters& p, Index n_runs, Index n_sequences,
                                     compute::Device device)
    : runs(n_runs),
      sequences(n_sequences),
      content({p.dimension, (2 * p.pairs + 1) * n_sequences * n_runs}, device),
      shift({1, n_sequences * n_runs}, device),
      label({1, n_sequences * n_runs}, device),
      classes({p.pairs + 1, n_sequences * n_runs}, device) {
  if (device == compute::kCpu) return;
  uniforms = compute::Array<double>({uniform_count(p), n_sequences * n_runs}, device);
  slots = compute::Array<std::int32_t>(classes.shape(), device);
  means = compute::Array<std::int32_t>(classes.shape(), device);
}

template <class Real>
MixtureSampler<Real>::MixtureSampler(std::span<const MixtureRun<Real>> runs, base::Purpose purpose,
                                     compute::Device device)
    : purpose_(purpose) {
  base::ensure(!runs.empty(), "there is a run to draw for");
  common_ = runs.front().parameters;
  compute::Array<MixtureConstants<Real>> constants({1, static_cast<Index>(runs.size())});
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const auto& [p, mixture, key] = runs[r];
    check(p);
    base::ensure(p.pairs == common_.pairs && p.most_pairs == common_.most_pairs &&
                     p.dimension == common_.dimension && p.labels == common_.labels,
                 "runs side by side agree in pairs, positions, dimension and labels");
    base::ensure(mixture != nullptr &&
                     mixture->classes.shape() == std::vector<Index>{p.dimension, p.classes} &&
                     mixture->labels.shape() == std::vector<Index>{p.dimension, p.labels} &&
                     mixture->cumulative.size() == static_cast<std::size_t>(p.zipf == 0 ? 0 : p.classes),
                 "a mixture is drawn for the parameters of its sequences");
    const double d = static_cast<double>(p.dimension);
    const double norm = std::sqrt(1 + p.noise * p.noise);
    MixtureConstants<Real>& run = constants.elements()[r];
    run = {.parameters = p,
           .counter = base::RandomStream(key, purpose).counter(),
           .classes = mixture->classes.data(),
           .labels = mixture->labels.data(),
           .cumulative = p.zipf == 0 ? nullptr : mixture->cumulative.data(),
           .spread = static_cast<Real>(1 / std::sqrt(d)),
           .mean_weight = static_cast<Real>(1 / norm),
           .noise_weight = static_cast<Real>(p.noise / (norm * std::sqrt(d)))};
    keys_.push_back(key);
    if (device == compute::kCpu) continue;
    run.classes = vectors_.emplace_back(mixture->classes.to(device)).data();
    run.labels = vectors_.emplace_back(mixture->labels.to(device)).data();
    if (p.zipf == 0) continue;
    cumulative_.emplace_back(std::vector<Index>{p.classes}, device);
    compute::copy(device, cumulative_.back().data(), compute::kCpu, run.cumulative,
                  mixture->cumulative.size() * sizeof(double));
    run.cumulative = cumulative_.back().data();
  }
  runs_ = constants.to(device);
}

template <class Real>
void MixtureSampler<Real>::draw(compute::View<const std::uint64_t> step, std::uint32_t offset,
                                InContextBatch<Real>& batch) const {
  base::ensure(batch.runs == runs_.size() && batch.content.device() == runs_.device() &&
                   batch.content.rows() == common_.dimension && batch.classes.rows() == common_.pairs + 1,
               "a batch is made for the parameters of its sequences");
  base::ensure(step.rows == 1 && step.columns == batch.runs && step.device == runs_.device(),
               "there is a step for each run, on its device");
  if (batch.shift.size() == 0) return;
  if (step.device != compute::kCpu) return cuda::draw(runs_, step, offset, batch);
  draw_on_cpu(step, offset, batch);
}

template <class Real>
void MixtureSampler<Real>::draw_on_cpu(compute::View<const std::uint64_t> step, std::uint32_t offset,
                                       InContextBatch<Real>& batch) const {
  constexpr std::uint64_t kNumbers = std::uint64_t{1} << 32U;
  const auto sequences = static_cast<std::uint64_t>(batch.sequences);
  for (Index r = 0; r < batch.runs; ++r) {
    base::ensure(
        offset + sequences <= kNumbers && *step.column(r) <= (kNumbers - offset - sequences) / sequences,
        "at most 2^32 sequences");
  }
  base::ExceptionSlot exception;
#pragma omp parallel for if (batch.content.size() > kParallelSize)
  for (Index s = 0; s < batch.shift.size(); ++s) {
    exception.run([&] {
      thread_local Scratch scratch;
      const Index r = s / batch.sequences;
      const auto number = static_cast<std::uint32_t>(*step.column(r) * sequences + offset +
                                                     static_cast<std::uint64_t>(s % batch.sequences));
      draw_sequence(runs_.data()[r], base::RandomStream(keys_[static_cast<std::size_t>(r)], purpose_, number),
                    s, batch, scratch);
    });
  }
  exception.rethrow();
}

template GaussianMixture<float> draw_mixture<float>(const GaussianMixtureParameters&, const base::RandomKey&);
template GaussianMixture<double> draw_mixture<double>(const GaussianMixtureParameters&,
                                                      const base::RandomKey&);
template struct InContextBatch<float>;
template struct InContextBatch<double>;
template class MixtureSampler<float>;
template class MixtureSampler<double>;

}  // namespace ecphory::tasks
