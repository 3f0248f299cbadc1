// The operations of lib/compute against the machine: gemm against OpenBLAS called directly, softmax against a
// plain copy of the same bytes, entmax against softmax.

#include <cstring>

#include "ecphory/base/random.hpp"
#include "ecphory/compute/entmax.hpp"
#include "ecphory/compute/gemm.hpp"
#include "ecphory/compute/softmax.hpp"

#include "yardstick.hpp"

extern "C" {
void sgemm_(const char*, const char*, const int*, const int*, const int*, const float*, const float*,
            const int*, const float*, const int*, const float*, float*, const int*);
void dgemm_(const char*, const char*, const int*, const int*, const int*, const double*, const double*,
            const int*, const double*, const int*, const double*, double*, const int*);
}

namespace {

using namespace ecphory;
using compute::Array;
using compute::Transpose;

template <class Real>
Array<Real> random(compute::Index rows, compute::Index columns) {
  Array<Real> x({rows, columns});
  base::RandomStream({.seed = 1}, base::Purpose("bench")).normals(0, x.elements());
  return x;
}

void blas(char ta, int m, int n, int k, const float* a, int lda, const float* b, float* c) {
  const float one = 1;
  const float zero = 0;
  sgemm_(&ta, "N", &m, &n, &k, &one, a, &lda, b, &k, &zero, c, &m);
}
void blas(char ta, int m, int n, int k, const double* a, int lda, const double* b, double* c) {
  const double one = 1;
  const double zero = 0;
  dgemm_(&ta, "N", &m, &n, &k, &one, a, &lda, b, &k, &zero, c, &m);
}

/// ratio: time of our gemm ÷ time of OpenBLAS on the same memory (goal: at most 1/0.95 = 1.05).
template <class Real>
void gemm(benchmark::State& state) {
  const int m = static_cast<int>(state.range(0));
  const int n = static_cast<int>(state.range(1));
  const int k = static_cast<int>(state.range(2));
  const bool transposed = state.range(3) != 0;
  const auto a = transposed ? random<Real>(k, m) : random<Real>(m, k);
  const auto b = random<Real>(k, n);
  Array<Real> c({m, n});
  bench::against(
      state,
      [&] { compute::gemm<Real>(transposed ? Transpose::yes : Transpose::no, Transpose::no, 1, a, b, 0, c); },
      [&] { blas(transposed ? 'T' : 'N', m, n, k, a.data(), transposed ? k : m, b.data(), c.data()); });
  state.counters["flops"] =
      benchmark::Counter(2.0 * m * n * k, benchmark::Counter::kIsIterationInvariantRate);
}

/// ratio: time of softmax ÷ time of memcpy of the same bytes (goal: at most 3).
template <class Real>
void softmax(benchmark::State& state) {
  const auto x = random<Real>(state.range(0), state.range(1));
  Array<Real> p(x.shape());
  Array<Real> copied(x.shape());
  bench::against(
      state, [&] { compute::softmax(Real{2}, x, p); },
      [&] {
        std::memcpy(copied.data(), x.data(), static_cast<std::size_t>(x.size()) * sizeof(Real));
        benchmark::ClobberMemory();
      });
  state.SetBytesProcessed(state.iterations() * x.size() * static_cast<std::int64_t>(2 * sizeof(Real)));
}

/// ratio: time of α-entmax ÷ time of softmax of the same scores, α = third argument / 100.
template <class Real>
void entmax(benchmark::State& state) {
  const auto x = random<Real>(state.range(0), state.range(1));
  const double alpha = static_cast<double>(state.range(2)) / 100;
  Array<Real> p(x.shape());
  bench::against(
      state, [&] { compute::entmax(Real{2}, alpha, x, p); }, [&] { compute::softmax(Real{2}, x, p); });
}

}  // namespace

BENCHMARK(gemm<float>)
    ->Args({1024, 256, 4096, 0})
    ->Args({4096, 256, 1024, 1})
    ->Args({64, 64, 64, 0})
    ->UseManualTime();
BENCHMARK(gemm<double>)
    ->Args({1024, 256, 4096, 0})
    ->Args({4096, 256, 1024, 1})
    ->Args({64, 64, 64, 0})
    ->UseManualTime();
BENCHMARK(softmax<float>)->Args({4096, 256})->UseManualTime();
BENCHMARK(softmax<double>)->Args({4096, 256})->UseManualTime();
BENCHMARK(entmax<float>)->ArgsProduct({{100, 10000}, {256}, {150, 200}})->UseManualTime();
BENCHMARK(entmax<double>)->ArgsProduct({{100, 10000}, {256}, {150, 200}})->UseManualTime();
BENCHMARK_MAIN();
