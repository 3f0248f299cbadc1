// A training step of the in-context Transformer at its published setting, data included, on all threads. The
// yardstick is a product of matrices on as many threads with the shortcut form's number of operations, so
// `ratio` is 1 ÷ the share of the sgemm rate that the step reaches on the operations that remain. The plain
// form has the same yardstick: the ratio of the two is what the shortcut is worth.

#include "ecphory/models/icl_transformer.hpp"

#include <benchmark/benchmark.h>
#include <omp.h>

#include "ecphory/compute/gemm.hpp"
#include "ecphory/compute/sgd.hpp"
#include "ecphory/tasks/gaussian_mixture.hpp"

#include "yardstick.hpp"

namespace {

using namespace ecphory;
using compute::Array;
using compute::Index;

constexpr Index kBatch = 128;

/// Multiplications and additions of a step of the shortcut form (W the width, D the content, T the tokens):
///   of the batch     B and the gradients of its two factors, 3 products of (W, W) matrices
///   of a token       Z and the gradient of B with it, (W, D) each; its scores with the (T + 1)/2 tokens up
///   to
///                    it and back; and the ten products of X, or Xᵀ, with a vector of the sequence (u, y, a,
///                    c, d and their gradients), of D each; six sums over p_1, of T each
///   of a sequence    twelve products of a vector with a (W, W) matrix, six forward and six backward, and six
///                    outer products; for the stream one forward, one outer product, and one backward unless
///                    it is the query's; the read-out's matrices three times each
/// One-hot positions, softmax, data and descent have hardly any.
double operations(const models::IclTransformerShape& s) {
  const auto w = static_cast<double>(s.stack.width);
  const auto d = w - static_cast<double>(s.positions);
  const auto t = static_cast<double>(s.stack.tokens);
  const auto labels = static_cast<double>(s.readout.labels);
  const auto mlp = static_cast<double>(s.readout.layers);
  using attention::Stream;
  const double streamed = s.stack.stream == Stream::none ? 0 : s.stack.stream == Stream::query ? 2 : 3;
  const double of_token = 2 * (2 * w * d + 2 * d * (t + 1) / 2 + 10 * d + 6 * t);
  const double of_sequence = 2 * (18 + streamed + 3 * mlp) * w * w + 2 * 3 * w * labels;
  return static_cast<double>(kBatch) * (t * of_token + of_sequence) + 2 * 3 * w * w * w;
}

void training_step(benchmark::State& state) {
  const auto stream = static_cast<attention::Stream>(state.range(0));
  const auto form = static_cast<models::Form>(state.range(1));
  const tasks::GaussianMixtureParameters task;
  const auto shape = models::shape_of({.stream = stream}, 2 * task.most_pairs + 1, task.dimension,
                                      2 * task.pairs + 1, task.labels);
  models::IclTransformer<float> network(shape, form);
  std::vector<float> weights = models::initial_weights<float>(shape, {.seed = 1});
  std::vector<float> gradient(weights.size());
  const auto mixture = tasks::draw_mixture<float>(task, {.seed = 1});
  tasks::InContextBatch<float> batch(task, kBatch);
  std::uint32_t step = 0;
  const auto n = static_cast<Index>(weights.size());
  const auto work = [&] {
    tasks::draw<float>(task, mixture, {.seed = 1}, tasks::kTrainingSequences, step++ * kBatch, batch);
    network.gradient(weights, {shape.positions, shape.stack.tokens, batch.content, batch.shift}, batch.label,
                     gradient);
    compute::sgd<float>(0.01F, 1e-6F, compute::View<const float>(gradient.data(), n, 1, n),
                        compute::View<float>(weights.data(), n, 1, n));
  };
  // n³ · 2 operations a product.
  constexpr Index kSide = 512;
  Array<float> a({kSide, kSide});
  a.matrix().setRandom();
  const double products = operations(shape) / (2.0 * kSide * kSide * kSide);
  const auto columns = static_cast<Index>(products * kSide);  // whole products are too coarse
  Array<float> wide({kSide, columns});
  Array<float> to({kSide, columns});
  wide.matrix().setRandom();
  const auto yardstick = [&] {
    compute::gemm<float>(compute::Transpose::no, compute::Transpose::no, 1.0F, a, wide, 0.0F, to);
  };
  bench::against(state, work, yardstick);
  state.counters["Mflop"] = operations(shape) / 1e6;
}

}  // namespace

BENCHMARK(training_step)
    ->ArgNames({"stream", "plain"})
    ->Args({0, 0})
    ->Args({1, 0})
    ->Args({2, 0})
    ->Args({3, 0})
    ->Args({0, 1})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_MAIN();
