// Published AMICL trials at D = 100, K = 512, L = 20, and where their time goes. The floor is the random
// numbers: a trial needs D·(3·items − 2) = 2800 normals for its vectors and 100 for the last key.

#include "ecphory/models/amicl.hpp"

#include "ecphory/base/random.hpp"

#include "yardstick.hpp"

namespace {

using namespace ecphory;

constexpr std::int64_t kTrials = 4000;
const tasks::InContextSequenceParameters kTask{.classes = 512, .length = 20, .dimension = 100, .noise = 0.1};

/// All the normals of kTrials trials, on as many threads as the trials use.
void draw_normals() {
#pragma omp parallel
  {
    std::vector<float> normals(2900);
#pragma omp for
    for (std::int64_t trial = 0; trial < kTrials; ++trial) {
      base::RandomStream({.seed = 1}, base::Purpose("bench"), static_cast<std::uint32_t>(trial))
          .normals(0, std::span(normals));
      benchmark::DoNotOptimize(normals.data());
    }
  }
}

void draw_sequences() {
#pragma omp parallel
  {
    tasks::InContextSequence<float> sequence;
#pragma omp for
    for (std::int64_t trial = 0; trial < kTrials; ++trial) {
      tasks::draw(kTask, {.seed = 1}, static_cast<std::uint32_t>(trial), sequence);
    }
  }
}

void count_trials(benchmark::State& state) {
  state.counters["trials"] =
      benchmark::Counter(static_cast<double>(kTrials), benchmark::Counter::kIsIterationInvariantRate);
}

/// ratio: time of whole trials ÷ time of their normals alone (the floor).
void trials(benchmark::State& state) {
  const models::AmiclParameters model{.a = 1.5,
                                      .similarity = static_cast<models::Similarity>(state.range(0))};
  state.SetLabel(base::name_of(model.similarity));
  bench::against(
      state,
      [&] { benchmark::DoNotOptimize(models::amicl_trials<float>(model, kTask, {.seed = 1}, kTrials)); },
      draw_normals);
  count_trials(state);
}

/// ratio: time of the sequences ÷ time of their normals.
void sequences(benchmark::State& state) {
  bench::against(state, draw_sequences, draw_normals);
  count_trials(state);
}

}  // namespace

BENCHMARK(trials)->DenseRange(0, 3)->UseManualTime();
BENCHMARK(sequences)->UseManualTime();
BENCHMARK_MAIN();
