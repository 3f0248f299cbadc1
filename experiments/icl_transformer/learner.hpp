#pragma once
// The task and networks as something to train: runs side by side.

#include <span>
#include <vector>

#include "ecphory/models/icl_network.hpp"
#include "ecphory/tasks/gaussian_mixture.hpp"
#include "ecphory/training/train.hpp"

#include "heads.hpp"
#include "settings.hpp"

namespace ecphory::experiments::icl {

/// Test sequences of a run in memory at a time.
inline constexpr std::int64_t kTestedTogether = 1024;

models::IclTransformerShape shape_of(const base::Point& point);

/// Room that runs with the settings of `point` need side by side.
models::Workload workload_of(const base::Point& point, compute::Index runs, compute::Device device);

/// Runs of one shape that differ in their keys and in what may differ between runs of a MixtureSampler.
template <class Real>
class Learner {
 public:
  Learner(std::span<const base::Point> points, std::span<const base::RandomKey> keys, compute::Device device);

  const compute::TensorLayout& layout() const { return network_.layout(); }

  /// As training::Objective asks.
  void gradient(compute::View<const std::uint64_t> step, compute::View<const Real> weights,
                compute::View<Real> gradient, compute::View<double> losses);

  /// Each run's numbers, as results.hpp orders them.
  std::vector<std::vector<double>> evaluate(compute::View<const Real> weights);

 private:
  std::vector<models::Scores> evaluate(tasks::TestSet set, compute::View<const Real> weights);
  tasks::MixtureSampler<Real> sampler_of(tasks::TestSet set) const;
  attention::PositionedTokens<Real> tokens(const tasks::InContextBatch<Real>& batch) const;

  std::vector<tasks::GaussianMixtureParameters> tasks_;
  RunSettings run_;
  std::vector<base::RandomKey> keys_;
  compute::Device device_;
  models::IclTransformerShape shape_;
  models::IclTransformer<Real> network_;
  std::vector<tasks::GaussianMixture<Real>> mixtures_;
  tasks::MixtureSampler<Real> training_;
  std::vector<tasks::MixtureSampler<Real>> tests_;  ///< in the order of kSets
  tasks::InContextBatch<Real> batch_;
  std::vector<HeadReader> heads_;          ///< of each run; none where they are not recorded
  compute::Array<std::uint64_t> no_step_;  ///< (1, runs) zeros
};

extern template class Learner<float>;
extern template class Learner<double>;

}  // namespace ecphory::experiments::icl
