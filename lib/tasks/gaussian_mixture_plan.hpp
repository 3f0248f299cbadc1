#pragma once
// How a sequence of gaussian_mixture.hpp is made of random numbers, for the CPU's loops and for kernels.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <type_traits>
#include <utility>

#include "ecphory/base/host_device.hpp"
#include "ecphory/base/random.hpp"
#include "ecphory/tasks/gaussian_mixture.hpp"

namespace ecphory::tasks {

/// What the sequences of a run are drawn from, in memory of the device that draws them. Owns nothing.
template <class Real>
struct MixtureConstants {
  GaussianMixtureParameters parameters = {};
  base::RandomCounter counter = {};    ///< of sequence 0; that of sequence n has step n
  const Real* classes = nullptr;       ///< (D, K) means
  const Real* labels = nullptr;        ///< (D, L)
  const double* cumulative = nullptr;  ///< (K) as in GaussianMixture; nullptr if uniform
  Real spread = 0;                     ///< 1/√D
  Real mean_weight = 0;                ///< 1/√(1 + ε²)
  Real noise_weight = 0;               ///< ε/√((1 + ε²) D)
};
static_assert(std::is_trivially_copyable_v<MixtureConstants<double>>);

/// A sequence before its vectors, in somebody else's memory.
struct SequencePlan {
  const double* uniforms = nullptr;  ///< (uniform_count) the first of the sequence's stream
  std::int32_t* slots = nullptr;     ///< (N + 1) scratch: the classes that the sequence has, K not added
  std::int32_t* classes = nullptr;   ///< (N + 1) of each item, as in InContextBatch
  std::int32_t* means = nullptr;     ///< (N + 1) of each item: its mean's column, among the novel ones or all
};

namespace detail {

// Places of a sequence's uniforms.
constexpr std::int64_t kBursty = 0;
constexpr std::int64_t kNovel = 1;
constexpr std::int64_t kShift = 2;
constexpr std::int64_t kQuery = 3;
constexpr std::int64_t kItem = 4;
ECPHORY_HOST_DEVICE constexpr std::int64_t label_place(const GaussianMixtureParameters& p) {
  return kItem + p.pairs;
}
ECPHORY_HOST_DEVICE constexpr std::int64_t shuffle_place(const GaussianMixtureParameters& p) {
  return label_place(p) + p.pairs;
}

/// A whole number on 0 … n−1 from u in (0, 1). A double below 1 times n is below n, also when rounded.
ECPHORY_HOST_DEVICE inline std::int32_t whole(double u, std::int64_t n) {
  return static_cast<std::int32_t>(u * static_cast<double>(n));
}

/// Fills the slots of a burst with classes of different labels, among classes 0 … `classes` − 1.
ECPHORY_HOST_DEVICE inline void draw_with_distinct_labels(const GaussianMixtureParameters& p,
                                                          std::int64_t classes, const SequencePlan& plan) {
  const std::int64_t distinct = p.pairs / p.burstiness;
  for (std::int64_t i = 0; i < distinct; ++i) {
    // Floyd's sampling without replacement (Bentley & Floyd 1987): each set of labels is equally likely;
    // their order is not, and the shuffle makes it so.
    const auto last = static_cast<std::int32_t>(p.labels - (distinct - i));
    const std::int32_t drawn = whole(plan.uniforms[label_place(p) + i], last + 1);
    const bool taken =
        std::any_of(plan.slots, plan.slots + i, [&](std::int32_t slot) { return slot % p.labels == drawn; });
    const std::int64_t of_label = whole(plan.uniforms[kItem + i], classes / p.labels);
    plan.slots[i] = static_cast<std::int32_t>((taken ? last : drawn) + p.labels * of_label);
  }
}

ECPHORY_HOST_DEVICE inline std::int32_t known_class(const GaussianMixtureParameters& p,
                                                    const double* cumulative, double u) {
  if (cumulative == nullptr) return whole(u, p.classes);
  return static_cast<std::int32_t>(std::upper_bound(cumulative, cumulative + p.classes, u) - cumulative);
}

/// means[i] ← the slot of item i: i mod N/B in random order (Fisher & Yates), the query's that of one of
/// them.
ECPHORY_HOST_DEVICE inline void arrange_in_bursts(const GaussianMixtureParameters& p,
                                                  const SequencePlan& plan) {
  for (std::int64_t i = 0; i < p.pairs; ++i)
    plan.means[i] = static_cast<std::int32_t>(i % (p.pairs / p.burstiness));
  for (std::int64_t i = 0; i + 1 < p.pairs; ++i)
    std::swap(plan.means[i], plan.means[i + whole(plan.uniforms[shuffle_place(p) + i], p.pairs - i)]);
  plan.means[p.pairs] = plan.means[whole(plan.uniforms[kQuery], p.pairs)];
}

}  // namespace detail

/// Uniforms that a plan needs.
ECPHORY_HOST_DEVICE constexpr std::int64_t uniform_count(const GaussianMixtureParameters& p) {
  return detail::shuffle_place(p) + p.pairs - 1;
}

/// Place of the first normal: behind the words of the uniforms, at a whole block.
ECPHORY_HOST_DEVICE constexpr std::int64_t normal_place(const GaussianMixtureParameters& p) {
  return 8 * (p.pairs + 1);
}

ECPHORY_HOST_DEVICE inline bool is_novel(const GaussianMixtureParameters& p, const double* uniforms) {
  return uniforms[detail::kNovel] < p.novel;
}

ECPHORY_HOST_DEVICE inline std::int32_t shift_of(const GaussianMixtureParameters& p, const double* uniforms) {
  return detail::whole(uniforms[detail::kShift], 2 * (p.most_pairs - p.pairs) + 1);
}

/// Label of an item of class `of_class`, K added if it is novel.
ECPHORY_HOST_DEVICE inline std::int32_t label_of(const GaussianMixtureParameters& p, std::int32_t of_class) {
  return static_cast<std::int32_t>((of_class + (p.swapped && of_class < p.classes ? 1 : 0)) % p.labels);
}

/// Overwrites all of the plan but its uniforms. `cumulative` as in MixtureConstants.
ECPHORY_HOST_DEVICE inline void make_plan(const GaussianMixtureParameters& p, const double* cumulative,
                                          const SequencePlan& plan) {
  const double* u = plan.uniforms;
  const bool novel = is_novel(p, u);
  std::int64_t slots = p.pairs / p.burstiness;
  if (!novel && u[detail::kBursty] >= p.bursty) {
    slots = p.pairs + 1;
    for (std::int64_t i = 0; i < p.pairs; ++i)
      plan.slots[i] = detail::known_class(p, cumulative, u[detail::kItem + i]);
    plan.slots[p.pairs] = detail::known_class(p, cumulative, u[detail::kQuery]);
    std::iota(plan.means, plan.means + slots, 0);
  } else {
    if (!p.repeated_labels) {
      detail::draw_with_distinct_labels(p, novel ? p.novel_classes : p.classes, plan);
    } else {
      for (std::int64_t i = 0; i < slots; ++i) {
        const double at = u[detail::kItem + i];
        plan.slots[i] = novel ? detail::whole(at, p.novel_classes) : detail::known_class(p, cumulative, at);
      }
    }
    detail::arrange_in_bursts(p, plan);
  }
  // A novel class that comes again has the mean of its first slot.
  for (std::int64_t i = 0; i <= p.pairs; ++i) {
    const std::int32_t drawn = plan.slots[plan.means[i]];
    plan.classes[i] = drawn + static_cast<std::int32_t>(novel ? p.classes : 0);
    plan.means[i] =
        novel ? static_cast<std::int32_t>(std::find(plan.slots, plan.slots + slots, drawn) - plan.slots)
              : drawn;
  }
}

/// An element of a novel class's mean.
template <class Real>
ECPHORY_HOST_DEVICE inline Real novel_mean(const MixtureConstants<Real>& run, float normal) {
  return static_cast<Real>(normal) * run.spread;
}

/// An element of an item, from that of its mean.
template <class Real>
ECPHORY_HOST_DEVICE inline Real item_element(const MixtureConstants<Real>& run, Real mean, float normal) {
  return std::fma(run.noise_weight, static_cast<Real>(normal), run.mean_weight * mean);
}

}  // namespace ecphory::tasks
