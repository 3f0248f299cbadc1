// What a sweep costs beside its points: 100,000 points that do nothing, their shards, their status, and
// putting them together; and what a second thread gives.

#include <filesystem>
#include <fstream>
#include <numeric>

#include <fcntl.h>
#include <unistd.h>

#include "ecphory/experiments/experiments.hpp"
#include "ecphory/store/hdf5_write.hpp"
#include "ecphory/store/provenance.hpp"
#include "ecphory/sweep/collect.hpp"
#include "ecphory/sweep/part.hpp"
#include "ecphory/sweep/run.hpp"

#include "yardstick.hpp"

namespace {

using namespace ecphory;
namespace fs = std::filesystem;

const fs::path kFolder = "bench_sweep";

/// `points` points that give `numbers` numbers each, at no cost.
sweep::Plan plan_of(std::int64_t points, std::size_t numbers) {
  const auto nothing = [numbers](const base::Point&, const sweep::RunContext&) -> store::Dataset {
    if (numbers == 1) return {.arrays = {store::scalar("x", 1, "1", "a number")}};
    return {.arrays = {{.name = "x",
                        .dimensions = {"i"},
                        .shape = {numbers},
                        .values = std::vector<double>(numbers, 1.0)}}};
  };
  std::vector<base::Value> n;
  for (std::int64_t i = 0; i < points; ++i) n.emplace_back(i);
  return sweep::make_plan({.name = "nothing",
                           .title = "nothing",
                           .parameters = {{"model.n", std::int64_t{0}, "1", "a number", {}}},
                           .run = nothing},
                          1, {}, {.factors = {sweep::Axis{"model.n", std::move(n)}}}, {});
}

void run_all(const sweep::Plan& plan, const fs::path& folder, int threads) {
  fs::remove_all(folder);
  const sweep::PlanFile file = sweep::open_sweep(folder, plan, "", store::attributes_of({}));
  const sweep::Ledger ledger = sweep::survey(file, sweep::Look::closely);
  sweep::run(plan, sweep::runs_of(plan, {}), ledger, folder, {.threads = threads});
}

/// us_a_point on two threads, plan and shards included (goal: at most 20).
void points_that_do_nothing(benchmark::State& state) {
  const sweep::Plan plan = plan_of(state.range(0), 1);
  double seconds = 0;
  for (auto _ : state) {
    seconds = bench::seconds_of([&] { run_all(plan, kFolder, 2); });
    state.SetIterationTime(seconds);
  }
  state.counters["us_a_point"] = seconds / static_cast<double>(state.range(0)) * 1e6;
  state.counters["files"] = static_cast<double>(std::distance(fs::directory_iterator(kFolder), {}));
  fs::remove_all(kFolder);
}

/// Making the plan of 100,000 points and its file, and reading that again (goal: at most 1 s).
void start_up(benchmark::State& state) {
  for (auto _ : state) {
    fs::remove_all(kFolder);
    state.SetIterationTime(bench::seconds_of([&] {
      const sweep::PlanFile file =
          sweep::open_sweep(kFolder, plan_of(state.range(0), 1), "", store::attributes_of({}));
      benchmark::DoNotOptimize(sweep::survey(file, sweep::Look::closely));
    }));
  }
  fs::remove_all(kFolder);
}

/// What `ecphory status` does (goal: at most 0.5 s).
void status(benchmark::State& state) {
  run_all(plan_of(state.range(0), 1), kFolder, 2);
  for (auto _ : state) {
    state.SetIterationTime(bench::seconds_of(
        [&] { benchmark::DoNotOptimize(sweep::survey(sweep::read_plan(kFolder), sweep::Look::quick)); }));
  }
  fs::remove_all(kFolder);
}

/// The bytes of all shards into one file, and that to disk.
void copy(const fs::path& to) {
  const int out = open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  std::vector<char> bytes(1 << 20);
  for (const fs::path& shard : sweep::shard_files(kFolder)) {
    const int in = open(shard.c_str(), O_RDONLY);
    for (ssize_t got = 0; (got = read(in, bytes.data(), bytes.size())) > 0;) {
      if (write(out, bytes.data(), static_cast<std::size_t>(got)) != got) std::abort();
    }
    close(in);
  }
  fsync(out);
  close(out);
}

/// ratio: time to collect 1 GB from 16 shards, checksums included ÷ time to copy their bytes (goal: at most
/// 2).
void collect(benchmark::State& state) {
  const auto numbers = static_cast<std::size_t>(state.range(0));
  const sweep::Plan plan = plan_of(static_cast<std::int64_t>((1 << 27) / numbers), numbers);
  fs::remove_all(kFolder);
  const sweep::PlanFile file = sweep::open_sweep(kFolder, plan, "", store::attributes_of({}));
  for (std::size_t i = 1; i <= 16; ++i) {
    sweep::run(plan, sweep::runs_of(plan, {i, 16}), {}, kFolder,
               {.name = sweep::name_of(sweep::Part{i, 16})});
  }
  bench::against(
      state,
      [&] {
        store::write(kFolder / "collected", sweep::collect(plan, sweep::survey(file, sweep::Look::closely)),
                     {.existing = store::Existing::replace});
      },
      [&] { copy(kFolder / "copied"); });
  state.counters["files"] = static_cast<double>(sweep::shard_files(kFolder).size());
  fs::remove_all(kFolder);
}

/// ratio: time of AMICL accuracy points on one thread ÷ on two (goal: at least 1.9).
void two_threads(benchmark::State& state) {
  std::vector<base::Value> a;
  for (int i = 0; i < 64; ++i) a.emplace_back(i / 32.0);
  const sweep::Plan plan = sweep::make_plan(experiments::amicl(), 1, {{"task.trials", std::int64_t{8000}}},
                                            {.factors = {sweep::Axis{"model.a", std::move(a)}}}, {});
  bench::against(
      state, [&] { run_all(plan, kFolder, 1); }, [&] { run_all(plan, kFolder, 2); });
  fs::remove_all(kFolder);
}

}  // namespace

BENCHMARK(points_that_do_nothing)->Arg(100'000)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(start_up)->Arg(100'000)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(status)->Arg(100'000)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(collect)->Arg(1 << 10)->Arg(1 << 17)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(two_threads)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_MAIN();
