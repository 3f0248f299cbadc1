// Time of a right-hand side in proportion to the synapses that are there: sparse and setwise ones.

#include "ecphory/base/random.hpp"
#include "ecphory/dynamics/field.hpp"
#include "ecphory/dynamics/synapses/setwise.hpp"

#include "yardstick.hpp"

namespace {

using namespace ecphory;
using namespace ecphory::dynamics;
using compute::Index;
using Eigen::MatrixXd;

constexpr Index kNeurons = 2000;
constexpr Index kColumns = 24;

/// One evaluation of τ dx/dt for a batch.
class Drive {
 public:
  explicit Drive(const Network<double>& network) : field_(network), x_(network.rows(), kColumns), d_(x_) {
    base::RandomStream({.seed = 1}, base::Purpose("bench"))
        .normals(0, std::span(x_.data(), static_cast<std::size_t>(x_.size())));
    field_.select(std::vector<Index>(static_cast<std::size_t>(kColumns), 0), 0);
  }
  void operator()() {
    field_.drive({x_.data(), x_.rows(), kColumns, x_.rows()}, {d_.data(), d_.rows(), kColumns, d_.rows()});
  }

 private:
  Field<double> field_;
  MatrixXd x_;
  MatrixXd d_;
};

Network<double> one_layer() {
  Network<double> network;
  network.add_layer({.name = "x", .neurons = kNeurons, .lagrangian = Tanh{1}});
  return network;
}

/// Every row has `degree` synapses.
Network<double> sparse(Index degree) {
  std::vector<Eigen::Triplet<double>> synapses;
  for (Index i = 0; i < kNeurons; ++i) {
    for (Index k = 0; k < degree; ++k) synapses.emplace_back(i, (i + 1 + k * k * 7 + k) % kNeurons, 0.01);
  }
  auto w = std::make_shared<Eigen::SparseMatrix<double>>(kNeurons, kNeurons);
  w->setFromTriplets(synapses.begin(), synapses.end());
  Network<double> network = one_layer();
  network.add_synapse(Sparse<double>{0, 0, w});
  return network;
}

Network<double> triangles(Index count) {
  Sets sets{.size = 3};
  for (Index s = 0; s < count; ++s) {
    const Index first = s * 37 % kNeurons;
    sets.members.insert(sets.members.end(),
                        {first, (first + 1 + s % 900) % kNeurons, (first + 950 + s % 800) % kNeurons});
    sets.weights.push_back(0.01);
  }
  Network<double> network = one_layer();
  network.add_synapse(std::make_shared<const Setwise<double>>(0, kNeurons, std::vector{sets}));
  return network;
}

/// ratio: time with ten times as many synapses ÷ time with one times as many (in proportion: at most 10).
void sparse_tenfold(benchmark::State& state) {
  const auto few = sparse(20);
  const auto many = sparse(200);
  Drive work(many);
  Drive yardstick(few);
  bench::against(
      state, [&] { work(); }, [&] { yardstick(); });
}
BENCHMARK(sparse_tenfold)->UseManualTime();

void triangles_tenfold(benchmark::State& state) {
  const auto few = triangles(20'000);
  const auto many = triangles(200'000);
  Drive work(many);
  Drive yardstick(few);
  bench::against(
      state, [&] { work(); }, [&] { yardstick(); });
}
BENCHMARK(triangles_tenfold)->UseManualTime();

/// ratio: time with 1% of the synapses ÷ time of the dense matrix.
void sparse_against_dense(benchmark::State& state) {
  const auto few = sparse(20);
  Network<double> dense = one_layer();
  dense.add_synapse(Asymmetric<double>{0, 0, weights<double>(MatrixXd::Constant(kNeurons, kNeurons, 0.01))});
  Drive work(few);
  Drive yardstick(dense);
  bench::against(
      state, [&] { work(); }, [&] { yardstick(); });
}
BENCHMARK(sparse_against_dense)->UseManualTime();

}  // namespace

BENCHMARK_MAIN();
