#include "ecphory/compute/graph.hpp"

#include <doctest/doctest.h>

#include "ecphory/compute/bias.hpp"
#include "ecphory/compute/gemm.hpp"
#include "ecphory/compute/sgd.hpp"

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::Graph;
using compute::Transpose;

TEST_CASE("a graph of work on the CPU is a bug") {
  CHECK_THROWS_AS(Graph(compute::kCpu, [] {}), base::Bug);
}

TEST_CASE("recorded work runs at every launch, with the bits of the same calls, and not before") {
  const auto device = gpu();
  if (!device) return;
  const auto x = random<float>(40, 33, 1).to(*device);
  const auto begin = random<float>(40, 40, 2);
  auto y = random<float>(40, 33, 3).to(*device);
  auto sums = random<float>(40, 1, 4).to(*device);
  auto w = begin.to(*device);
  const auto sums_begin = sums.to(compute::kCpu);
  const auto step = [&] {
    compute::gemm<float>(Transpose::no, Transpose::no, 1, w, x, 0, y);
    compute::add_bias_backward<float>(y, sums);
    compute::sgd<float>(0.01F, 0.1F, w, w);
  };
  for (int i = 0; i < 3; ++i) step();
  const auto w_called = w.to(compute::kCpu);
  const auto sums_called = sums.to(compute::kCpu);

  compute::copy(*device, w.data(), compute::kCpu, begin.data(), 40 * 40 * sizeof(float));
  compute::copy(*device, sums.data(), compute::kCpu, sums_begin.data(), 40 * sizeof(float));
  const Graph graph(*device, step);
  CHECK(w.to(compute::kCpu).matrix() == begin.matrix());
  for (int i = 0; i < 3; ++i) graph.launch();
  CHECK(w.to(compute::kCpu).matrix() == w_called.matrix());
  CHECK(sums.to(compute::kCpu).matrix() == sums_called.matrix());
}

TEST_CASE("an error in recorded work comes through, and the GPU is usable after it") {
  const auto device = gpu();
  if (!device) return;
  const auto fail = [] { throw base::UserError({.problem = "mine"}); };
  CHECK_THROWS_AS(Graph(*device, fail), base::UserError);
  const auto x = random<float>(4, 4, 1);
  CHECK(x.to(*device).to(compute::kCpu).matrix() == x.matrix());
}
