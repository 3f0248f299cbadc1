// A training step of the in-context Transformer at its published setting, data included: on all threads, and
// on a GPU, as a graph, of runs side by side. The yardstick is a product of matrices on the same device with
// the shortcut form's number of operations, so `ratio` is 1 ÷ the share of the sgemm rate that the step
// reaches on the operations that remain. The plain form has the same yardstick: the ratio of the two is what
// the shortcut is worth. What runs side by side are worth is the ratio of their `runs_per_s`.

#include <algorithm>
#include <optional>
#include <vector>

#include <benchmark/benchmark.h>

#include "ecphory/compute/blas.hpp"
#include "ecphory/compute/gemm.hpp"
#include "ecphory/compute/graph.hpp"
#include "ecphory/models/icl_network.hpp"
#include "ecphory/tasks/gaussian_mixture.hpp"
#include "ecphory/training/optimiser.hpp"
#include "ecphory/training/progress.hpp"

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

/// Runs side by side at the published setting.
struct Training {
  Training(attention::Stream stream, models::Form form, Index runs, compute::Device device)
      : shape(models::shape_of({.stream = stream}, 2 * task.most_pairs + 1, task.dimension,
                               2 * task.pairs + 1, task.labels)),
        network(shape, {.networks = runs, .sequences = kBatch, .device = device}, form),
        mixture(tasks::draw_mixture<float>(task, {.seed = 1})),
        sampler(std::vector(
                    static_cast<std::size_t>(runs),
                    tasks::MixtureRun<float>{.parameters = task, .mixture = &mixture, .key = {.seed = 1}}),
                tasks::kTrainingSequences, device),
        batch(task, runs, kBatch, device),
        optimiser(std::vector<training::OptimiserSettings>(static_cast<std::size_t>(runs)), 75'000,
                  network.layout().size(), device),
        gradient({network.layout().size(), runs}, device),
        losses({1, runs}, device) {
    Array<float> begin({network.layout().size(), runs});
    Array<std::uint64_t> zeros({1, runs});
    Array<training::Progress> none({1, runs});
    const std::vector<float> of_run = models::initial_weights<float>(shape, {.seed = 1});
    for (Index r = 0; r < runs; ++r) {
      std::ranges::copy(of_run, begin.data() + r * begin.rows());
      zeros.data()[r] = 0;
      none.data()[r] = {};
    }
    weights = begin.to(device);
    step = zeros.to(device);
    progress = none.to(device);
  }

  void take_step() {
    sampler.draw(step, 0, batch);
    network.gradient(weights, {shape.positions, shape.stack.tokens, batch.content, batch.shift}, batch.label,
                     gradient, losses);
    optimiser.step(step, gradient, weights);
    training::count_step(losses, step, progress);
  }

  tasks::GaussianMixtureParameters task;
  models::IclTransformerShape shape;
  models::IclTransformer<float> network;
  tasks::GaussianMixture<float> mixture;
  tasks::MixtureSampler<float> sampler;
  tasks::InContextBatch<float> batch;
  training::Optimiser<float> optimiser;
  Array<float> weights;
  Array<float> gradient;
  Array<double> losses;
  Array<std::uint64_t> step;
  Array<training::Progress> progress;
};

/// A product with a given number of operations.
class Product {
 public:
  Product(double flops, Index side, compute::Device device)
      : a_({side, side}),
        b_({side, static_cast<Index>(flops / (2.0 * static_cast<double>(side * side)))}),
        c_({side, b_.columns()}, device) {
    a_.matrix().setRandom();
    b_.matrix().setRandom();
    a_ = a_.to(device);
    b_ = b_.to(device);
  }
  void operator()() {
    compute::gemm<float>(compute::Transpose::no, compute::Transpose::no, 1.0F, a_, b_, 0.0F, c_);
  }

 private:
  Array<float> a_, b_, c_;
};

void training_step(benchmark::State& state) {
  Training training(static_cast<attention::Stream>(state.range(0)), static_cast<models::Form>(state.range(1)),
                    1, compute::kCpu);
  Product product(operations(training.shape), 512, compute::kCpu);
  // Hundred at a time: for a while after its work, a library's threads wait busily, in the way of the
  // other's.
  constexpr int kTogether = 100;
  const auto hundred = [](const auto& once) {
    for (int i = 0; i < kTogether; ++i) once();
  };
  double seconds = 0;
  double of_product = 0;
  for (auto _ : state) {
    const double of_steps = bench::seconds_of([&] { hundred([&] { training.take_step(); }); });
    state.SetIterationTime(of_steps / kTogether);
    seconds += of_steps;
    of_product += bench::seconds_of([&] { hundred([&] { product(); }); });
  }
  state.counters["ratio"] = seconds / of_product;
  state.counters["Mflop"] = operations(training.shape) / 1e6;
}

/// The GPU is waited for once in hundred steps or products.
void training_step_on_gpu(benchmark::State& state) {
  const auto runs = static_cast<Index>(state.range(0));
  if (compute::cuda_device_count() == 0) return state.SkipWithError("there is no GPU");
  const compute::Device device{compute::Device::Kind::cuda, 0};
  std::optional<compute::Tf32Products> fast;
  if (state.range(1) != 0) fast.emplace();
  Training training(attention::Stream::value, models::Form::shortcut, runs, device);
  training.take_step();
  const compute::Graph step(device, [&] { training.take_step(); });
  const double flops = operations(training.shape) * static_cast<double>(runs);
  Product product(flops, 2048, device);
  product();
  const compute::Graph yardstick(device, [&] { product(); });
  constexpr int kTogether = 100;
  const auto hundred = [&](const compute::Graph& graph) {
    for (int i = 0; i < kTogether; ++i) graph.launch();
    training.losses.to(compute::kCpu);
  };
  double seconds = 0;
  double of_product = 0;
  for (auto _ : state) {
    const double once = bench::seconds_of([&] { hundred(step); });
    state.SetIterationTime(once / kTogether);
    seconds += once;
    of_product += bench::seconds_of([&] { hundred(yardstick); });
  }
  state.counters["ratio"] = seconds / of_product;
  state.counters["runs_per_s"] =
      static_cast<double>(runs) * kTogether * static_cast<double>(state.iterations()) / seconds;
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
BENCHMARK(training_step_on_gpu)
    ->ArgNames({"runs", "tf32"})
    ->ArgsProduct({{1, 8, 64}, {0, 1}})
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_MAIN();
