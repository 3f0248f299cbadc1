// The bridge against the machine: an attention layer of stored keys against its two products, and what
// lifting the heads of a Transformer of the published size takes (goal: under a second).

#include "ecphory/base/random.hpp"
#include "ecphory/bridge/attention_form.hpp"
#include "ecphory/bridge/lifted_head.hpp"
#include "ecphory/compute/gemm.hpp"

#include "yardstick.hpp"

namespace {

using namespace ecphory;
using compute::Array;
using compute::Index;
using compute::Transpose;

template <class Real>
Eigen::MatrixX<Real> normals(Index rows, Index columns, std::uint64_t seed) {
  Eigen::MatrixX<Real> x(rows, columns);
  base::RandomStream({.seed = seed}, base::Purpose("bench"))
      .normals(0, std::span(x.data(), static_cast<std::size_t>(x.size())));
  return x;
}

/// ratio: time of a layer ÷ time of its two products.
template <class Real>
void layer(benchmark::State& state) {
  const Index n = 1024, m = 4096, b = 256;
  dynamics::Network<Real> network;
  const auto v = network.add_layer({.name = "v", .neurons = n, .tau = 10});
  const auto h =
      network.add_layer({.name = "h", .neurons = m, .lagrangian = dynamics::LogSumExp{20}, .tau = 0});
  const auto xi = dynamics::weights<Real>(normals<Real>(n, m, 1) / std::sqrt(static_cast<Real>(n)));
  network.add_synapse(dynamics::Symmetric<Real>{v, h, xi});
  const auto form = bridge::attention_form<Real>(network, 5, 1);
  attention::StoredAttentionStack<Real> stack(form.layer, b);
  Array<Real> x({n, b});
  x.matrix() = normals<Real>(n, b, 2);
  Array<Real> y({n, b});
  Array<Real> p({m, b});
  bench::against(
      state, [&] { stack.forward(x); },
      [&] {
        compute::gemm<Real>(Transpose::yes, Transpose::no, 1, *xi, x, 0, p);
        compute::gemm<Real>(Transpose::no, Transpose::no, 1, *xi, p, 0, y);
      });
}

/// Both heads of the two-layer Transformer (width 150, 17 tokens) in one context.
void lift(benchmark::State& state) {
  const attention::StackShape shape{.width = 150, .tokens = 17, .stream = attention::Stream::value};
  compute::TensorLayout layout;
  attention::add_weights(shape, layout);
  const Eigen::VectorXd weights = normals<double>(layout.size(), 1, 3) / 10;
  const Eigen::MatrixXd x = normals<double>(shape.width, shape.tokens, 4);
  for (auto _ : state) {
    for (const Index l : {1, 2}) {
      const auto head = bridge::lift(shape, {&layout, {weights.data(), layout.size(), 1, layout.size()}},
                                     {x.data(), x.rows(), x.cols(), x.rows()}, l, 1);
      benchmark::DoNotOptimize(bridge::certify(head, 0).rotation);
    }
  }
}

BENCHMARK(layer<float>)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(layer<double>)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(lift)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
