// Training of the in-context Transformer on both devices.

#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

#include "ecphory/models/icl_network.hpp"
#include "ecphory/tasks/gaussian_mixture.hpp"
#include "ecphory/training/train.hpp"

#include "compute/gpu.hpp"
#include "refusal.hpp"

using namespace ecphory;
using compute::Array;
using compute::Index;
using compute::View;

namespace {

const tasks::GaussianMixtureParameters kTask = {.classes = 16,
                                                .labels = 4,
                                                .pairs = 4,
                                                .most_pairs = 6,
                                                .dimension = 7,
                                                .noise = 0.2,
                                                .burstiness = 2,
                                                .novel_classes = 8};
constexpr Index kRuns = 3;
constexpr Index kBatch = 40;

/// Runs that differ in their data, their noise, their rate and their beginning.
std::vector<training::Run<double>> trained(const models::IclTransformerParameters& parameters,
                                           training::Method method, double last_rate,
                                           compute::Device device) {
  const auto shape = models::shape_of(parameters, 2 * kTask.most_pairs + 1, kTask.dimension,
                                      2 * kTask.pairs + 1, kTask.labels);
  models::IclTransformer<double> network(shape, {.networks = kRuns, .sequences = kBatch, .device = device});
  std::vector<tasks::GaussianMixture<double>> mixtures;
  std::vector<tasks::MixtureRun<double>> of_runs;
  std::vector<training::Run<double>> runs;
  for (std::uint32_t r = 0; r < kRuns; ++r)
    mixtures.push_back(tasks::draw_mixture<double>(kTask, {.seed = 3, .replicate = r}));
  for (std::uint32_t r = 0; r < kRuns; ++r) {
    of_runs.push_back({.parameters = kTask, .mixture = &mixtures[r], .key = {.seed = 3, .replicate = r}});
    of_runs.back().parameters.noise = 0.1 * r;
    runs.push_back({.optimiser = {.method = method,
                                  .rate = r + 1 == kRuns ? last_rate : 0.01 * (r + 1),
                                  // Gradients that are nearly 0 shall not blow up roundings.
                                  .epsilon = 0.01,
                                  .warmup = r,
                                  .schedule = training::Schedule::cosine},
                    .state = {.weights = models::initial_weights<double>(shape, {.seed = 3, .replicate = r})},
                    .checkpoint = [](const auto&) {}});
  }
  const tasks::MixtureSampler<double> sampler(of_runs, tasks::kTrainingSequences, device);
  tasks::InContextBatch<double> batch(kTask, kRuns, kBatch, device);
  const auto tokens = [&]() -> attention::PositionedTokens<double> {
    return {shape.positions, shape.stack.tokens, batch.content, batch.shift};
  };
  const training::Objective<double> objective{
      .gradient =
          [&](auto step, auto weights, auto gradient, auto losses) {
            sampler.draw(step, 0, batch);
            network.gradient(weights, tokens(), batch.label, gradient, losses);
          },
      .evaluate =
          [&](auto weights) {
            std::vector<std::vector<double>> metrics;
            for (const auto& s : network.evaluate(weights, tokens(), batch.label, batch.classes))
              metrics.push_back({s.loss, s.accuracy, s.induction});
            return metrics;
          }};
  Array<std::uint64_t> begin({1, kRuns});
  std::ranges::fill(begin.elements(), std::uint64_t{0});
  sampler.draw(begin.to(device), 0, batch);  // what the first evaluation looks at
  training::train<double>(objective,
                          {.steps = 130, .evaluate_every = 110, .checkpoint_every = 64, .device = device},
                          std::span(runs));
  return runs;
}

}  // namespace

TEST_CASE("training on the GPU is training on the CPU, step by step of a graph") {
  const auto device = tests::gpu();
  if (!device) return;
  for (const auto& [layers, stream] :
       {std::pair{std::int64_t{2}, attention::Stream::value}, {3, attention::Stream::key}}) {
    for (const training::Method method : {training::Method::sgd, training::Method::adamw}) {
      CAPTURE(layers);
      CAPTURE(base::name_of(method));
      const models::IclTransformerParameters parameters{
          .layers = layers, .stream = stream, .mix = attention::StreamMix::learned};
      const auto here = trained(parameters, method, 0.03, compute::kCpu);
      const auto there = trained(parameters, method, 0.03, *device);
      for (std::size_t r = 0; r < here.size(); ++r) {
        const auto& a = here[r].state;
        const auto& b = there[r].state;
        CHECK((!here[r].failure && !there[r].failure && b.step == 130));
        CHECK(a.history.step == b.history.step);
        for (std::size_t i = 1; i < a.history.size(); ++i) {
          CHECK(std::abs(a.history.training_loss[i] - b.history.training_loss[i]) < 1e-7);
          CHECK(std::abs(a.history.metrics[i][0] - b.history.metrics[i][0]) < 1e-7);
          CHECK(std::abs(a.history.metrics[i][2] - b.history.metrics[i][2]) < 1e-7);
        }
        double deviation = 0;
        for (std::size_t k = 0; k < a.weights.size(); ++k)
          deviation = std::max(deviation, std::abs(a.weights[k] - b.weights[k]));
        // Roundings of 1e-16, which training enlarges: below 1e-9 by descent, to some 1e-9 by AdamW.
        CHECK(deviation < 1e-7);
        CHECK(a.weights !=
              models::initial_weights<double>(models::shape_of(parameters, 13, 7, 9, 4),
                                              {.seed = 3, .replicate = static_cast<std::uint32_t>(r)}));
      }
    }
  }
}

TEST_CASE("on the GPU too, a run that diverges leaves the others alone") {
  const auto device = tests::gpu();
  if (!device) return;
  const auto runs = trained({}, training::Method::sgd, 1e30, *device);
  const auto sane = trained({}, training::Method::sgd, 0.03, *device);
  REQUIRE(runs.back().failure);
  const auto here = trained({}, training::Method::sgd, 1e30, compute::kCpu);
  const auto message = [](const training::Run<double>& run) {
    return tests::refusal([&] { std::rethrow_exception(run.failure); });
  };
  CHECK(tests::contains(message(runs.back()), "the loss is"));
  CHECK(message(runs.back()) == message(here.back()));
  for (std::size_t r = 0; r + 1 < runs.size(); ++r) {
    CHECK(!runs[r].failure);
    CHECK(runs[r].state.weights == sane[r].state.weights);
  }
}
