#include "learner.hpp"

#include <algorithm>

namespace ecphory::experiments::icl {

using compute::Index;
using compute::View;

namespace {

Index count(const auto& of_runs) { return static_cast<Index>(of_runs.size()); }

std::vector<tasks::GaussianMixtureParameters> tasks_of(std::span<const base::Point> points) {
  std::vector<tasks::GaussianMixtureParameters> all;
  for (const base::Point& point : points) all.push_back(tasks::gaussian_mixture_table().read(point));
  return all;
}

template <class Real>
std::vector<tasks::GaussianMixture<Real>> draw_mixtures(
    const std::vector<tasks::GaussianMixtureParameters>& of_runs, std::span<const base::RandomKey> keys) {
  std::vector<tasks::GaussianMixture<Real>> all;
  for (std::size_t r = 0; r < of_runs.size(); ++r)
    all.push_back(tasks::draw_mixture<Real>(of_runs[r], keys[r]));
  return all;
}

template <class Real>
std::vector<tasks::MixtureRun<Real>> mixture_runs(std::vector<tasks::GaussianMixtureParameters> parameters,
                                                  const std::vector<tasks::GaussianMixture<Real>>& mixtures,
                                                  std::span<const base::RandomKey> keys) {
  std::vector<tasks::MixtureRun<Real>> all;
  for (std::size_t r = 0; r < parameters.size(); ++r)
    all.push_back({.parameters = parameters[r], .mixture = &mixtures[r], .key = keys[r]});
  return all;
}

/// Weights of one run, in double precision.
template <class Real>
std::vector<double> on_cpu(View<const Real> weights) {
  compute::Array<Real> here({weights.rows, 1});
  compute::copy(compute::kCpu, here.data(), weights.device, weights.data,
                static_cast<std::size_t>(weights.rows) * sizeof(Real));
  return {here.data(), here.data() + here.size()};
}

}  // namespace

models::IclTransformerShape shape_of(const base::Point& point) {
  const auto task = tasks::gaussian_mixture_table().read(point);
  return models::shape_of(models::icl_transformer_table().read(point), 2 * task.most_pairs + 1,
                          task.dimension, 2 * task.pairs + 1, task.labels);
}

models::Workload workload_of(const base::Point& point, Index runs, compute::Device device) {
  const RunSettings run = run_table().read(point);
  return {.networks = runs,
          .sequences = std::max(run.batch, std::min(run.test_sequences, kTestedTogether)),
          .device = device};
}

template <class Real>
Learner<Real>::Learner(std::span<const base::Point> points, std::span<const base::RandomKey> keys,
                       compute::Device device)
    : tasks_(tasks_of(points)),
      run_(run_table().read(points.front())),
      keys_(keys.begin(), keys.end()),
      device_(device),
      shape_(shape_of(points.front())),
      network_(shape_, workload_of(points.front(), count(points), device)),
      mixtures_(draw_mixtures<Real>(tasks_, keys)),
      training_(mixture_runs(tasks_, mixtures_, keys), tasks::kTrainingSequences, device),
      batch_(tasks_.front(), count(points), run_.batch, device) {
  for (const tasks::TestSet set : kSets) tests_.push_back(sampler_of(set));
  if (const std::int64_t sequences = record_table().read(points.front()).heads; sequences > 0) {
    for (std::size_t r = 0; r < keys_.size(); ++r)
      heads_.emplace_back(shape_, tasks_[r], keys_[r], sequences);
  }
  compute::Array<std::uint64_t> zeros({1, count(points)});
  std::ranges::fill(zeros.elements(), std::uint64_t{0});
  no_step_ = zeros.to(device);
}

template <class Real>
tasks::MixtureSampler<Real> Learner<Real>::sampler_of(tasks::TestSet set) const {
  std::vector<tasks::GaussianMixtureParameters> parameters = tasks_;
  for (auto& of_run : parameters) of_run = tasks::parameters_of(set, of_run);
  return {mixture_runs(std::move(parameters), mixtures_, keys_), tasks::purpose_of(set), device_};
}

template <class Real>
attention::PositionedTokens<Real> Learner<Real>::tokens(const tasks::InContextBatch<Real>& batch) const {
  return {shape_.positions, shape_.stack.tokens, batch.content, batch.shift};
}

template <class Real>
void Learner<Real>::gradient(View<const std::uint64_t> step, View<const Real> weights, View<Real> gradient,
                             View<double> losses) {
  training_.draw(step, 0, batch_);
  network_.gradient(weights, tokens(batch_), batch_.label, gradient, losses);
}

template <class Real>
std::vector<std::vector<double>> Learner<Real>::evaluate(View<const Real> weights) {
  std::vector<std::vector<double>> metrics(tasks_.size());
  std::vector<std::vector<double>> attention(tasks_.size());
  for (const tasks::TestSet set : kSets) {
    const std::vector<models::Scores> scores = evaluate(set, weights);
    for (std::size_t r = 0; r < scores.size(); ++r) {
      metrics[r].push_back(scores[r].loss);
      metrics[r].push_back(scores[r].accuracy);
      if (set != tasks::TestSet::in_context) continue;
      attention[r] = {scores[r].previous_token, scores[r].induction};
      const auto append = [&](const auto& x) {
        attention[r].insert(attention[r].end(), x.data(), x.data() + x.size());
      };
      append(scores[r].first_attention);
      append(scores[r].last_attention);
    }
  }
  for (std::size_t r = 0; r < metrics.size(); ++r)
    metrics[r].insert(metrics[r].end(), attention[r].begin(), attention[r].end());
  for (std::size_t r = 0; r < heads_.size(); ++r) {
    const std::vector<double> read = heads_[r].read(on_cpu(weights.middle_columns(static_cast<Index>(r), 1)));
    metrics[r].insert(metrics[r].end(), read.begin(), read.end());
  }
  return metrics;
}

template <class Real>
std::vector<models::Scores> Learner<Real>::evaluate(tasks::TestSet set, View<const Real> weights) {
  const tasks::MixtureSampler<Real>& sampler =
      tests_[static_cast<std::size_t>(std::ranges::find(kSets, set) - kSets.begin())];
  std::vector<models::Scores> sums;
  for (std::int64_t first = 0; first < run_.test_sequences; first += kTestedTogether) {
    const std::int64_t n = std::min(kTestedTogether, run_.test_sequences - first);
    tasks::InContextBatch<Real> batch(tasks_.front(), count(tasks_), n, device_);
    sampler.draw(no_step_, static_cast<std::uint32_t>(first), batch);
    std::vector<models::Scores> scores =
        network_.evaluate(weights, tokens(batch), batch.label, batch.classes);
    for (models::Scores& of_run : scores)
      of_run *= static_cast<double>(n) / static_cast<double>(run_.test_sequences);
    for (std::size_t r = 0; r < sums.size(); ++r) sums[r] += scores[r];
    if (sums.empty()) sums = std::move(scores);
  }
  return sums;
}

template class Learner<float>;
template class Learner<double>;

}  // namespace ecphory::experiments::icl
