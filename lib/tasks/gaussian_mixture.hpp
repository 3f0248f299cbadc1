#pragma once
// In-context classification of a Gaussian mixture: item, label, item, label …, and a query item whose label
// is the answer. Reddy (2024), "The mechanistic basis of data dependence and abrupt learning in an in-context
// classification task", arXiv 2312.03002, as used by Burns, Fukai & Earls (2024), arXiv 2412.15113.
//
//     means    μ_k ~ N(0, 1/D) per element, k < K, and L label vectors ~ N(0, 1/D); drawn once
//     label    of class k: k mod L
//     items    (μ_k + ε η) / √(1 + ε²),  η ~ N(0, 1/D) per element, anew for each item
//     tokens   T = 2N + 1: N pairs of item and label, and the query
//
// A sequence is bursty with probability p_B: N/B classes come B times each, in random order, and the query's
// is one of the N. Otherwise the classes of the N + 1 items are independent. With probability p_C its classes
// are novel (means unknown to the mixture, labels shared with it); such a sequence is always bursty.
//
// It departs from the released code, which takes novel means from 128 drawn anew for each batch: here they
// belong to the sequence, and only those that it uses are drawn. Each sequence has the same law; two of a
// batch share no novel class.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ecphory/base/parameters.hpp"
#include "ecphory/base/random.hpp"
#include "ecphory/compute/view.hpp"

namespace ecphory::tasks {

/// Defaults are those of Burns et al.'s released runs.
struct GaussianMixtureParameters {
  std::int64_t classes = 512;    ///< K, a multiple of L
  std::int64_t labels = 32;      ///< L
  std::int64_t pairs = 8;        ///< N
  std::int64_t most_pairs = 32;  ///< N_max ≥ N: positions are among 2 N_max + 1
  std::int64_t dimension = 85;   ///< D
  double noise = 0.1;            ///< ε
  std::int64_t burstiness = 2;   ///< B, a divisor of N
  double bursty = 0.5;           ///< p_B
  double novel = 0.5;            ///< p_C
  std::int64_t novel_classes =
      128;          ///< the classes of a novel sequence are uniform on these; a multiple of L
  double zipf = 0;  ///< α: known class k has probability ∝ 1/(k+1)^α
  /// Classes of a bursty sequence are independent draws. Otherwise their labels are distinct: labels are
  /// drawn uniformly without replacement and a class of each uniformly, whatever `zipf`.
  bool repeated_labels = false;
  bool swapped = false;  ///< known class k carries label (k + 1) mod L; no setting: parameters_of() sets it
};

/// Settings of the section `task`.
const base::ParameterTable<GaussianMixtureParameters>& gaussian_mixture_table();

/// Throws UserError for settings that do not go together: K or the number of novel classes no multiple of L,
/// N > N_max, N no multiple of B, and N/B > L distinct labels.
void check(const GaussianMixtureParameters& parameters);

/// What a network is tested on (Reddy 2024; Burns et al. 2024).
enum class TestSet {
  mixed,       ///< as in training
  in_context,  ///< novel classes: the answer is only in the context
  swapped,  ///< bursty, known classes, each with the next label: the answer is the one that the context shows
  in_weights,  ///< known classes, independent of each other: the answer is hardly ever in the context
};
std::span<const std::string_view> names(TestSet);

/// The parameters of a test set for a network that was trained with `training`.
GaussianMixtureParameters parameters_of(TestSet set, GaussianMixtureParameters training);

/// What the sequences of training and of each test set are drawn for: they are independent.
inline constexpr base::Purpose kTrainingSequences("gaussian_mixture.training");
base::Purpose purpose_of(TestSet set);

/// What stays the same for all sequences of a training run and its test sets.
template <class Real>
struct GaussianMixture {
  compute::Array<Real> classes;    ///< (D, K) means
  compute::Array<Real> labels;     ///< (D, L)
  std::vector<double> cumulative;  ///< (K) sums of the classes' probabilities; empty if they are uniform
};

/// Draws means and label vectors, in single precision. Throws UserError as check() does.
template <class Real>
GaussianMixture<Real> draw_mixture(const GaussianMixtureParameters& parameters, const base::RandomKey& key);

/// What one of several runs draws from.
template <class Real>
struct MixtureRun {
  GaussianMixtureParameters parameters = {};
  const GaussianMixture<Real>* mixture = nullptr;  ///< drawn for them
  base::RandomKey key = {};
};

/// S sequences of each of R runs; run r has sequences r·S … r·S + S − 1. Token t of sequence s is column
/// T·s + t of `content` below a one-hot column of 2 N_max + 1 positions, which is hot at shift(s) + t.
template <class Real>
struct InContextBatch {
  /// For runs that agree with `parameters` in N and D.
  InContextBatch(const GaussianMixtureParameters& parameters, compute::Index runs, compute::Index sequences,
                 compute::Device device = compute::kCpu);

  compute::Index runs;                   ///< R
  compute::Index sequences;              ///< S
  compute::Array<Real> content;          ///< (D, T·S·R) items and labels in turn
  compute::Array<std::int32_t> shift;    ///< (1, S·R) uniform on 0 … 2 (N_max − N)
  compute::Array<std::int32_t> label;    ///< (1, S·R) the answer, 0 … L − 1
  compute::Array<std::int32_t> classes;  ///< (N + 1, S·R) of each item, the query's last; K + j if novel

  // Where a GPU plans the sequences (gaussian_mixture_plan.hpp); empty on the CPU.
  compute::Array<double> uniforms;     ///< (3N + 3, S·R)
  compute::Array<std::int32_t> slots;  ///< (N + 1, S·R)
  compute::Array<std::int32_t> means;  ///< (N + 1, S·R)
};

template <class Real>
struct MixtureConstants;

/// Draws the sequences of runs side by side. A sequence depends on its run and its number alone, whatever the
/// batch, the other runs, the number of threads and the device: a GPU gives the CPU's bits. All that is
/// random in it stands at fixed places of RandomStream(key, purpose, number):
///     uniforms<double>  0 bursty | 1 novel | 2 shift | 3 query | 4 + i class of item i | 4 + N + i label of
///                       class i | 4 + 2N + i exchange i of the shuffle
///     normals<float>    8 (N + 1) + …: (D, N + 1) noise of the items | (D, N/B) means of novel classes
/// Normals are drawn in single precision, so float and double hold the same sequence.
template <class Real>
class MixtureSampler {
 public:
  /// Runs whose parameters are within the limits of the table and agree in N, N_max, D and L, else Bug; they
  /// may differ in all else. On the CPU their mixtures must outlive this; a GPU gets copies. Throws UserError
  /// as check() does.
  MixtureSampler(std::span<const MixtureRun<Real>> runs, base::Purpose purpose,
                 compute::Device device = compute::kCpu);

  /// Overwrites `batch`: its sequence s of run r is number step(r)·S + offset + s of that run. `step` is
  /// (1, R), all are on one device. Numbers from 2³² on are a Bug; on a GPU, where nobody waits to look, they
  /// begin again at 0. There the work is only started, and can be recorded in a compute::Graph.
  void draw(compute::View<const std::uint64_t> step, std::uint32_t offset, InContextBatch<Real>& batch) const;

 private:
  void draw_on_cpu(compute::View<const std::uint64_t> step, std::uint32_t offset,
                   InContextBatch<Real>& batch) const;

  base::Purpose purpose_;
  GaussianMixtureParameters common_;                // of the first run
  std::vector<base::RandomKey> keys_;               // (R)
  std::vector<compute::Array<Real>> vectors_;       // a GPU's copies
  std::vector<compute::Array<double>> cumulative_;  // and these
  compute::Array<MixtureConstants<Real>> runs_;     // (1, R)
};

extern template GaussianMixture<float> draw_mixture<float>(const GaussianMixtureParameters&,
                                                           const base::RandomKey&);
extern template GaussianMixture<double> draw_mixture<double>(const GaussianMixtureParameters&,
                                                             const base::RandomKey&);
extern template struct InContextBatch<float>;
extern template struct InContextBatch<double>;
extern template class MixtureSampler<float>;
extern template class MixtureSampler<double>;

}  // namespace ecphory::tasks
