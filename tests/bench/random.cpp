// Random numbers in bulk, on one thread. The yardstick is a plain copy of the same bytes.

#include "ecphory/base/random.hpp"

#include <cstring>
#include <vector>

#include "yardstick.hpp"

namespace {

using namespace ecphory;

constexpr std::size_t kMany = 1 << 20;

template <class Real, class Draw>
void measure(benchmark::State& state, const Draw& draw) {
  const base::RandomStream stream({.seed = 1}, base::Purpose("bench"));
  std::vector<Real> x(kMany);
  std::vector<Real> copied(kMany);
  bench::against(
      state, [&] { draw(stream, std::span(x)); },
      [&] {
        std::memcpy(copied.data(), x.data(), kMany * sizeof(Real));
        benchmark::ClobberMemory();
      });
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kMany));
}

template <class Real>
void normals(benchmark::State& state) {
  measure<Real>(state, [](const base::RandomStream& s, std::span<Real> x) { s.normals(0, x); });
}

template <class Real>
void uniforms(benchmark::State& state) {
  measure<Real>(state, [](const base::RandomStream& s, std::span<Real> x) { s.uniforms(0, x); });
}

void words(benchmark::State& state) {
  measure<std::uint32_t>(state,
                         [](const base::RandomStream& s, std::span<std::uint32_t> x) { s.words(0, x); });
}

}  // namespace

BENCHMARK(words)->UseManualTime();
BENCHMARK(uniforms<float>)->UseManualTime();
BENCHMARK(uniforms<double>)->UseManualTime();
BENCHMARK(normals<float>)->UseManualTime();
BENCHMARK(normals<double>)->UseManualTime();
BENCHMARK_MAIN();
