#include "ecphory/compute/graph.hpp"

#include <cstddef>

#include <doctest/doctest.h>

#include "ecphory/compute/bias.hpp"
#include "ecphory/compute/gemm.hpp"
#include "ecphory/compute/sgd.hpp"

#include "compute/gpu.hpp"
#include "compute/matrices.hpp"

using namespace ecphory;
using namespace ecphory::tests;
using compute::Graph;
using compute::SgdStep;
using compute::Transpose;

namespace {

/// Column j's step is `rate` times j + 1.
Array<SgdStep<float>> steps_of(float rate, Index columns) {
  Array<SgdStep<float>> steps({1, columns});
  for (Index j = 0; j < columns; ++j)
    *View<SgdStep<float>>(steps).column(j) = {rate * static_cast<float>(j + 1), 0.1F};
  return steps;
}

/// What is in `from`, into memory that a graph knows.
template <class Element>
void put(const Array<Element>& from, Array<Element>& to) {
  compute::copy(to.device(), to.data(), from.device(), from.data(),
                static_cast<std::size_t>(from.size()) * sizeof(Element));
}

}  // namespace

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
  const auto steps = steps_of(0.01F, 40).to(*device);
  const auto step = [&] {
    compute::gemm<float>(Transpose::no, Transpose::no, 1, w, x, 0, y);
    compute::add_bias_backward<float>(y, sums);
    compute::sgd<float>(steps, w, w);
  };
  for (int i = 0; i < 3; ++i) step();
  const auto w_called = w.to(compute::kCpu);
  const auto sums_called = sums.to(compute::kCpu);

  put(begin, w);
  put(sums_begin, sums);
  const Graph graph(*device, step);
  CHECK(w.to(compute::kCpu).matrix() == begin.matrix());
  for (int i = 0; i < 3; ++i) graph.launch();
  CHECK(w.to(compute::kCpu).matrix() == w_called.matrix());
  CHECK(sums.to(compute::kCpu).matrix() == sums_called.matrix());
}

TEST_CASE("recorded work takes what stands in its arrays when it is launched: other steps, other weights") {
  const auto device = gpu();
  if (!device) return;
  const auto gradient = random<float>(40, 33, 1).to(*device);
  const auto begin = random<float>(40, 33, 2);
  const auto small = steps_of(0.01F, 33);
  const auto large = steps_of(0.5F, 33);
  auto w = begin.to(*device);
  auto steps = small.to(*device);
  const auto step = [&] { compute::sgd<float>(steps, gradient, w); };
  step();
  const Graph graph(*device, step);
  graph.launch();
  put(large, steps);
  graph.launch();
  graph.launch();

  auto called = begin.to(*device);
  put(small, steps);
  for (int i = 0; i < 2; ++i) compute::sgd<float>(steps, gradient, called);
  put(large, steps);
  for (int i = 0; i < 2; ++i) compute::sgd<float>(steps, gradient, called);
  CHECK(w.to(compute::kCpu).matrix() == called.to(compute::kCpu).matrix());

  // A graph that had kept the steps it was recorded with would be here.
  auto kept = begin.to(*device);
  put(small, steps);
  for (int i = 0; i < 4; ++i) compute::sgd<float>(steps, gradient, kept);
  CHECK(w.to(compute::kCpu).matrix() != kept.to(compute::kCpu).matrix());
}

TEST_CASE("an error in recorded work comes through, and the GPU is usable after it") {
  const auto device = gpu();
  if (!device) return;
  const auto fail = [] { throw base::UserError({.problem = "mine"}); };
  CHECK_THROWS_AS(Graph(*device, fail), base::UserError);
  const auto x = random<float>(4, 4, 1);
  CHECK(x.to(*device).to(compute::kCpu).matrix() == x.matrix());
}
