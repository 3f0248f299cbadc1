// The dynamics against the machine: right-hand sides and whole runs against the BLAS's products of the same
// shapes, on the CPU and on a GPU, overlap space against neuron space, recording against not recording, and a
// GPU against the CPU.

#include <optional>

#include <omp.h>

#include "ecphory/base/random.hpp"
#include "ecphory/compute/blas.hpp"
#include "ecphory/compute/gemm.hpp"
#include "ecphory/compute/graph.hpp"
#include "ecphory/dynamics/disk_recorder.hpp"
#include "ecphory/dynamics/flow.hpp"
#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/store/hdf5_write.hpp"

#include "yardstick.hpp"

namespace {

using namespace ecphory;
using namespace ecphory::dynamics;
using compute::Array;
using compute::Index;
using compute::Transpose;

template <class Real>
using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;

template <class Real>
Matrix<Real> normals(Index rows, Index columns, std::uint64_t seed) {
  Matrix<Real> x(rows, columns);
  base::RandomStream({.seed = seed}, base::Purpose("bench"))
      .normals(0, std::span(x.data(), static_cast<std::size_t>(x.size())));
  return x;
}

/// The retrieval form with patterns N(0, 1/N).
template <class Real>
Network<Real> retrieval(Index n, Index m) {
  Network<Real> network;
  const LayerId v = network.add_layer({.name = "v", .neurons = n, .tau = 10});
  const LayerId h = network.add_layer({.name = "h", .neurons = m, .lagrangian = LogSumExp{20}, .tau = 0});
  network.add_synapse(
      Symmetric<Real>{v, h, weights<Real>(normals<Real>(n, m, 1) / std::sqrt(static_cast<Real>(n)))});
  return network;
}

template <class Real>
SimulationOptions<Real> in_neuron_space(double duration) {
  return {
      .duration = duration, .integrator = {.rtol = 1e-4, .atol = 1e-6}, .coordinates = Coordinates::neuron};
}

/// The two products of `evaluations` right-hand sides, all threads on each: the yardstick.
template <class Real>
struct Products {
  Products(Index n, Index m, Index b, std::int64_t times)
      : xi({n, m}), v({n, b}), h({m, b}), evaluations(times) {
    xi.matrix() = normals<Real>(n, m, 1);
    v.matrix() = normals<Real>(n, b, 2);
  }
  void operator()() {
    for (std::int64_t k = 0; k < evaluations; ++k) {
      compute::gemm<Real>(Transpose::yes, Transpose::no, 1, xi, v, 0, h);
      compute::gemm<Real>(Transpose::no, Transpose::no, 1, xi, h, 0, v);
      v.matrix() *= static_cast<Real>(1e-3);  // keeps the numbers finite
    }
  }
  Array<Real> xi, v, h;
  std::int64_t evaluations;
};

/// ratio: time of one right-hand side, softmax included, ÷ time of its two products (goal: at most 1/0.8
/// = 1.25).
template <class Real>
void right_hand_side(benchmark::State& state) {
  const Index n = 1024, m = 4096, b = 256;
  const auto network = retrieval<Real>(n, m);
  const Matrix<Real> v = normals<Real>(n, b, 2);
  const int threads = omp_get_max_threads();
  const Index columns =
      (b / threads + compute::kGemmColumns - 1) / compute::kGemmColumns * compute::kGemmColumns;
  std::vector<std::unique_ptr<Flow<Real>>> flows;
  std::vector<Array<Real>> x(static_cast<std::size_t>(threads)), d(static_cast<std::size_t>(threads));
  for (std::size_t t = 0; t < x.size(); ++t) {
    flows.push_back(neuron_flow(network));
    x[t] = Array<Real>({n, columns});
    d[t] = Array<Real>({n, columns});
    std::vector<Index> ids(static_cast<std::size_t>(columns), 0);
    const Matrix<Real> start = normals<Real>(n, columns, 3 + t);
    flows[t]->start(ids, 0, {start.data(), n, columns, n}, x[t]);
  }
  Products<Real> products(n, m, b, 1);
  bench::against(
      state,
      [&] {
        const compute::SingleThreadedBlas one_blas_thread;
#pragma omp parallel for
        for (int t = 0; t < threads; ++t) {
          const auto at = static_cast<std::size_t>(t);
          flows[at]->drive(x[at], d[at]);
        }
      },
      [&] { products(); });
}

/// ratio: time of a Dormand–Prince run ÷ time of the products of its right-hand sides (goal: at most 1/0.7
/// = 1.43).
template <class Real>
void dormand_prince(benchmark::State& state) {
  const Index n = 1024, m = 4096, b = 256;
  const auto network = retrieval<Real>(n, m);
  const Matrix<Real> v = normals<Real>(n, b, 2);
  const SimulationOptions<Real> options = in_neuron_space<Real>(5);
  const auto run = simulate<Real>(network, v, options);
  std::int64_t attempts = 0;
  for (std::size_t j = 0; j < run.steps.size(); ++j) attempts += run.steps[j] + run.rejected[j];
  Products<Real> products(n, m, b, 6 * attempts / b + 1);
  bench::against(
      state, [&] { benchmark::DoNotOptimize(simulate<Real>(network, v, options)); }, [&] { products(); });
}

/// ratio: time in overlap space ÷ time in neuron space, one run each at the same tolerance (goal: at most
/// 1/8).
template <class Real>
void overlap_space(benchmark::State& state) {
  const Index n = 4096, m = 256, b = 256;
  const auto network = retrieval<Real>(n, m);
  const Matrix<Real> v = normals<Real>(n, b, 2);
  const auto run = [&](Coordinates coordinates) {
    SimulationOptions<Real> options;
    options.duration = 50;
    options.integrator = {.rtol = 1e-4, .atol = 1e-6};
    options.coordinates = coordinates;
    benchmark::DoNotOptimize(simulate<Real>(network, v, options));
  };
  bench::against(
      state, [&] { run(Coordinates::overlap); }, [&] { run(Coordinates::neuron); });
}

/// ratio: time of a Dormand–Prince run that records every step on disk and writes it as HDF5 ÷ time of the
/// same run without (goal: at most 1.2). One state a step is 1024 × 256 numbers.
template <class Real>
void recording(benchmark::State& state) {
  const Index n = 1024, m = 4096, b = 256;
  const auto network = retrieval<Real>(n, m);
  const Matrix<Real> v = normals<Real>(n, b, 2);
  const SimulationOptions<Real> options = in_neuron_space<Real>(30);
  const auto run = [&](bool recorded) {
    DiskRecorder<Real> recorder(std::make_shared<store::Scratch>("."), n, b);
    SimulationOptions<Real> chosen = options;
    chosen.record_every = recorded ? 1 : 0;
    chosen.recorder = recorded ? &recorder : nullptr;
    benchmark::DoNotOptimize(simulate<Real>(network, v, chosen));
    if (!recorded) return;
    const auto spool = recorder.spool();
    store::write("bench_recording.h5",
                 {.arrays = {{.name = "state",
                              .dimensions = {"trajectory", "sample", "neuron"},
                              .shape = {spool->series(), spool->longest(), spool->columns() - 1},
                              .values = std::vector{store::Spooled{spool, 1, spool->columns() - 1}}}}},
                 {.float32 = std::is_same_v<Real, float>, .existing = store::Existing::replace});
    state.counters["steps"] = static_cast<double>(spool->longest() - 1);
  };
  bench::against(
      state, [&] { run(true); }, [&] { run(false); });
  std::filesystem::remove("bench_recording.h5");
}

// The shapes of a large memory on a GPU.
constexpr Index kN = 4096;
constexpr Index kM = 16384;
constexpr Index kB = 4096;

/// The two products of a right-hand side, on a GPU.
class ProductsOnGpu {
 public:
  explicit ProductsOnGpu(compute::Device device)
      : xi_({kN, kM}, device), v_({kN, kB}, device), h_({kM, kB}, device), d_({kN, kB}, device) {
    const auto put = [&](Array<float>& there, std::uint64_t seed) {
      const Matrix<float> here = 1e-2F * normals<float>(there.rows(), there.columns(), seed);
      compute::copy(device, there.data(), compute::kCpu, here.data(),
                    static_cast<std::size_t>(here.size()) * sizeof(float));
    };
    put(xi_, 1);
    put(v_, 2);
  }
  void operator()() {
    compute::gemm<float>(Transpose::yes, Transpose::no, 1, xi_, v_, 0, h_);
    compute::gemm<float>(Transpose::no, Transpose::no, 1, xi_, h_, 0, d_);
  }
  /// Waits for what was started.
  void wait() { compute::copy(compute::kCpu, &last_, d_.device(), d_.data(), sizeof(float)); }

 private:
  Array<float> xi_, v_, h_, d_;
  float last_ = 0;
};

/// ratio: time of one right-hand side, softmax included, ÷ time of its two products (goal: at most 1/0.7
/// = 1.43). Ten of each as graphs.
void right_hand_side_on_gpu(benchmark::State& state) {
  if (compute::cuda_device_count() == 0) return state.SkipWithError("there is no GPU");
  const compute::Device device{compute::Device::Kind::cuda, 0};
  std::optional<compute::Tf32Products> fast;
  if (state.range(0) != 0) fast.emplace();
  const auto network = retrieval<float>(kN, kM);
  const auto flow = neuron_flow(network, device);
  Array<float> x({kN, kB}, device), d({kN, kB}, device);
  const Matrix<float> start = normals<float>(kN, kB, 3);
  flow->start(std::vector<Index>(static_cast<std::size_t>(kB), 0), 0, {start.data(), kN, kB, kN}, x);
  flow->drive(x, d);
  ProductsOnGpu products(device);
  products();
  const compute::Graph drive(device, [&] { flow->drive(x, d); });
  const compute::Graph yardstick(device, [&] { products(); });
  const auto ten = [&](const compute::Graph& graph) {
    for (int i = 0; i < 10; ++i) graph.launch();
    products.wait();
  };
  bench::against(
      state, [&] { ten(drive); }, [&] { ten(yardstick); });
}

/// ratio: time of a Dormand–Prince run, from states on the CPU to states on the CPU, ÷ time of the products
/// of its right-hand sides (goal: at most 1/0.6 = 1.67).
void dormand_prince_on_gpu(benchmark::State& state) {
  if (compute::cuda_device_count() == 0) return state.SkipWithError("there is no GPU");
  const compute::Device device{compute::Device::Kind::cuda, 0};
  std::optional<compute::Tf32Products> fast;
  if (state.range(0) != 0) fast.emplace();
  const auto network = retrieval<float>(kN, kM);
  const Matrix<float> v = normals<float>(kN, kB, 2);
  SimulationOptions<float> options = in_neuron_space<float>(20);
  options.device = device;
  const auto run = simulate<float>(network, v, options);
  std::int64_t most = 0;  // all columns take part in every attempt until half of them are at the end
  for (std::size_t j = 0; j < run.steps.size(); ++j) most = std::max(most, run.steps[j] + run.rejected[j]);
  ProductsOnGpu products(device);
  products();
  const compute::Graph yardstick(device, [&] { products(); });
  bench::against(
      state, [&] { benchmark::DoNotOptimize(simulate<float>(network, v, options)); },
      [&] {
        for (std::int64_t k = 0; k < 6 * most + 1; ++k) yardstick.launch();
        products.wait();
      });
  state.counters["attempts"] = static_cast<double>(most);
}

/// ratio: time of a Dormand–Prince run of 10⁵ trajectories of 64 neurons and 64 memories on a GPU ÷ its time
/// on all threads of the CPU, which takes the cheaper coordinates (goal: at most 1/20).
void small_networks_on_gpu(benchmark::State& state) {
  if (compute::cuda_device_count() == 0) return state.SkipWithError("there is no GPU");
  constexpr Index kTrajectories = 100'000;
  const auto network = retrieval<float>(64, 64);
  const Matrix<float> v = normals<float>(64, kTrajectories, 2);
  SimulationOptions<float> options;
  options.duration = 20;
  options.integrator = {.rtol = 1e-4, .atol = 1e-6};
  SimulationOptions<float> there = options;
  there.device = {compute::Device::Kind::cuda, 0};
  double seconds = 0;
  bench::against(
      state,
      [&] {
        seconds = bench::seconds_of([&] { benchmark::DoNotOptimize(simulate<float>(network, v, there)); });
      },
      [&] { benchmark::DoNotOptimize(simulate<float>(network, v, options)); });
  state.counters["trajectories_per_s"] = static_cast<double>(kTrajectories) / seconds;
}

}  // namespace

BENCHMARK(right_hand_side<float>)->UseManualTime();
BENCHMARK(right_hand_side<double>)->UseManualTime();
BENCHMARK(dormand_prince<float>)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(dormand_prince<double>)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(overlap_space<float>)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(overlap_space<double>)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(recording<float>)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(recording<double>)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(right_hand_side_on_gpu)
    ->ArgName("tf32")
    ->Arg(0)
    ->Arg(1)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(dormand_prince_on_gpu)
    ->ArgName("tf32")
    ->Arg(0)
    ->Arg(1)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(small_networks_on_gpu)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_MAIN();
