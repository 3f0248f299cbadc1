#pragma once
// Ratios that a machine's changing speed does not touch: work and its yardstick are timed in turn, in one
// loop.

#include <chrono>
#include <vector>

#include <benchmark/benchmark.h>

namespace ecphory::bench {

template <class Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Times `work` for google-benchmark (which needs UseManualTime) and `yardstick` beside it. The counter
/// `ratio` is time of work ÷ time of yardstick, over the whole run.
template <class Work, class Yardstick>
void against(benchmark::State& state, const Work& work, const Yardstick& yardstick) {
  work();
  yardstick();
  double of_work = 0;
  double of_yardstick = 0;
  for (auto _ : state) {
    const double seconds = seconds_of(work);
    state.SetIterationTime(seconds);
    of_work += seconds;
    of_yardstick += seconds_of(yardstick);
  }
  state.counters["ratio"] = of_work / of_yardstick;
}

}  // namespace ecphory::bench
