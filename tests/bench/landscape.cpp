// The search for fixed points against the machine: all of it, from the starts to eigenvalues and classes,
// beside the products of its relaxation alone.

#include "ecphory/base/random.hpp"
#include "ecphory/compute/blas.hpp"
#include "ecphory/compute/gemm.hpp"
#include "ecphory/landscape/fixed_points.hpp"

#include "yardstick.hpp"

namespace {

using namespace ecphory;
using compute::Index;
using compute::Transpose;
using Eigen::MatrixXd;

MatrixXd normals(Index rows, Index columns, std::uint64_t seed) {
  MatrixXd x(rows, columns);
  base::RandomStream({.seed = seed}, base::Purpose("bench"))
      .normals(0, std::span(x.data(), static_cast<std::size_t>(x.size())));
  return x;
}

/// The products of `evaluations` right-hand sides of one column, in blocks as simulate() makes them, each
/// thread its own.
void products(const MatrixXd& xi, std::int64_t evaluations) {
  const compute::SingleThreadedBlas one_blas_thread;
  const Index block = 22 * compute::kGemmColumns;
  const Index n = xi.rows(), m = xi.cols();
  const std::int64_t blocks = (evaluations + block - 1) / block;
#pragma omp parallel
  {
    const MatrixXd v = MatrixXd::Ones(n, block);
    MatrixXd h(m, block), d(n, block);
#pragma omp for
    for (std::int64_t b = 0; b < blocks; ++b) {
      compute::gemm<double>(Transpose::yes, Transpose::no, 1, {xi.data(), n, m, n}, {v.data(), n, block, n},
                            0, {h.data(), m, block, m});
      compute::gemm<double>(Transpose::no, Transpose::no, 1, {xi.data(), n, m, n}, {h.data(), m, block, m}, 0,
                            {d.data(), n, block, n});
    }
  }
}

/// 10,000 random starts, N = 256, M = 64 patterns of length 1. gemm: time of the products of the relaxation's
/// right-hand sides ÷ time of the whole search (goal: at least 0.7).
void search(benchmark::State& state) {
  const Index n = 256, m = 64, count = 10000;
  const MatrixXd xi = normals(n, m, 1) / std::sqrt(static_cast<double>(n));
  const double beta = static_cast<double>(state.range(0));
  dynamics::Network<double> network;
  network.add_layer({.name = "v", .neurons = n, .tau = 10});
  network.add_layer({.name = "h", .neurons = m, .lagrangian = dynamics::LogSumExp{beta}, .tau = 0});
  network.add_synapse(dynamics::Symmetric<double>{0, 1, dynamics::weights<double>(xi)});
  const MatrixXd starts = normals(n, count, 2) / std::sqrt(static_cast<double>(n));
  const landscape::FixedPointOptions options{.relax = landscape::relaxation(network)};

  const auto run = dynamics::simulate<double>(network, starts, *options.relax);
  std::int64_t evaluations = count;  // those of the starts
  for (const double t : run.time)    // the step in which a trajectory converges counts too
    evaluations += static_cast<std::int64_t>(std::ceil(t / options.relax->step));
  landscape::FixedPoints found;
  bench::against(
      state, [&] { found = landscape::fixed_points(network, starts, options, xi); },
      [&] { products(xi, evaluations); });
  state.counters["points"] = static_cast<double>(found.count());
  state.counters["steps"] = static_cast<double>(evaluations) / static_cast<double>(count);
  state.counters["gemm"] = 1 / state.counters["ratio"];
}

/// The same without relaxing: Newton's method from 10,000 starts.
void newton(benchmark::State& state) {
  const Index n = 256, m = 64, count = 10000;
  const MatrixXd xi = normals(n, m, 1) / std::sqrt(static_cast<double>(n));
  dynamics::Network<double> network;
  network.add_layer({.name = "v", .neurons = n, .tau = 10});
  network.add_layer({.name = "h",
                     .neurons = m,
                     .lagrangian = dynamics::LogSumExp{static_cast<double>(state.range(0))},
                     .tau = 0});
  network.add_synapse(dynamics::Symmetric<double>{0, 1, dynamics::weights<double>(xi)});
  const MatrixXd starts = normals(n, count, 2) / std::sqrt(static_cast<double>(n));
  landscape::NewtonResult result;
  for (auto _ : state) {
    state.SetIterationTime(bench::seconds_of([&] { result = landscape::newton(network, starts); }));
  }
  state.counters["failures"] = static_cast<double>(result.failures());
}

}  // namespace

BENCHMARK(search)->Arg(10)->Arg(20)->Arg(40)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(newton)->Arg(20)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_MAIN();
