// Discrete-time updates of binary neurons.

#include <cmath>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/flips.hpp"
#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/dynamics/synapses/setwise.hpp"

#include "networks.hpp"

using namespace ecphory;
using namespace ecphory::dynamics;
using compute::Index;
using Eigen::MatrixXd;

namespace {

MatrixXd signs(Index rows, Index columns, std::uint64_t seed) {
  return tests::normals(rows, columns, seed).unaryExpr([](double x) { return x < 0 ? -1.0 : 1.0; });
}

MatrixXd symmetric(Index n, std::uint64_t seed) {
  const MatrixXd w = tests::normals(n, n, seed);
  return 0.5 * (w + w.transpose());
}

/// Binary neurons with everything that may drive them.
Network<double> everything(const Lagrangian& hidden) {
  Network<double> network;
  network.add_layer({.name = "s",
                     .neurons = 9,
                     .lagrangian = Sign{},
                     .input = constant_current<double>(tests::normals(9, 4, 1))});
  network.add_layer({.name = "h",
                     .neurons = 5,
                     .lagrangian = hidden,
                     .tau = 0,
                     .input = constant_current<double>(tests::normals(5, 1, 2))});
  network.add_layer({.name = "k", .neurons = 4, .lagrangian = hidden, .tau = 0});
  network.add_synapse(Symmetric<double>{0, 1, weights<double>(tests::normals(9, 5, 3))});
  network.add_synapse(Symmetric<double>{0, 0, weights<double>(symmetric(9, 4))});
  network.add_synapse(Sparse<double>{
      0, 0, std::make_shared<Eigen::SparseMatrix<double>>(symmetric(9, 5).sparseView(0.8, 1)), true});
  network.add_synapse(Sparse<double>{
      2, 0, std::make_shared<Eigen::SparseMatrix<double>>(tests::normals(9, 4, 6).sparseView(0.8, 1)), true});
  network.add_synapse(std::make_shared<const Setwise<double>>(
      0, 9, std::vector<Sets>{{.size = 3, .members = {0, 1, 2, 4, 2, 7}, .weights = {0.7, -1.1}}}));
  return network;
}

}  // namespace

TEST_CASE("the change of energy by a flip is the difference of two energies, also after flips") {
  for (const Lagrangian& hidden :
       {Lagrangian(Quadratic{}), Lagrangian(RectifiedPower{3}), Lagrangian(LogSumExp{1.5})}) {
    const auto network = everything(hidden);
    CHECK(unfit_for_flips(network).empty());
    MatrixXd s = signs(9, 4, 8);
    Flips<double> flips(network);
    const std::vector<Index> ids = {0, 1, 2, 3};
    flips.start(ids, 0, {s.data(), 9, 4, 9});
    for (Index i = 0; i < 9; ++i) {
      const Index column = i % 4;
      MatrixXd flipped = s;
      flipped(i, column) *= -1;
      const double change = energies<double>(network, flipped)[column] - energies<double>(network, s)[column];
      CHECK(std::abs(flips.change(column, i) - change) < 1e-12 * (1 + std::abs(change)));
      flips.flip(column, i);
      s = flipped;
      CHECK(flips.spins().matrix() == s);
    }
  }
}

TEST_CASE(
    "asynchronous updates lower the energy until no flip would, and then the trajectory has converged") {
  const auto network = everything(RectifiedPower{3});
  const MatrixXd initial = signs(9, 4, 9);
  SimulationOptions<double> options;
  options.duration = 100;
  options.step = 1;
  options.integrator.method = Method::asynchronous;
  options.convergence = Convergence{.bound = 1e-9};
  for (int k = 0; k <= 10; ++k) options.record_times.push_back(k);
  const auto run = simulate<double>(network, initial, options);
  Flips<double> flips(network);
  const std::vector<Index> ids = {0, 1, 2, 3};
  flips.start(ids, 0, {run.state.data(), 9, 4, 9});
  for (Index j = 0; j < 4; ++j) {
    CHECK(run.status[static_cast<std::size_t>(j)] == Status::converged);
    CHECK(run.state.col(j).cwiseAbs() == Eigen::VectorXd::Ones(9));
    for (Index i = 0; i < 9; ++i) CHECK(flips.change(j, i) >= 0);
  }
  CHECK((energies<double>(network, run.state) - energies<double>(network, initial)).maxCoeff() < 0);
}

TEST_CASE("synchronous updates take the sign of the field, and a pair of states may alternate") {
  Network<double> network;
  network.add_layer({.name = "s", .neurons = 2, .lagrangian = Sign{}});
  MatrixXd w(2, 2);
  w << 0, 1, 1, 0;
  network.add_synapse(Symmetric<double>{0, 0, weights<double>(w)});
  MatrixXd initial(2, 2);
  initial << 1, 1, -1, 1;
  SimulationOptions<double> options;
  options.duration = 3;
  options.step = 1;
  options.integrator.method = Method::synchronous;
  options.record_times = {0, 0.5, 1, 2, 3};
  options.convergence = Convergence{.bound = 1e-9};
  const auto run = simulate<double>(network, initial, options);
  MatrixXd course(2, 5);
  course << 1, 1, -1, 1, -1, -1, -1, 1, -1, 1;
  CHECK(MatrixXd(run.record->trajectory(0)) == course);
  CHECK(run.status[0] == Status::reached_end);
  CHECK(run.status[1] == Status::converged);
}

TEST_CASE("Glauber dynamics settles at Boltzmann's distribution, one by one, and at Little's all at once") {
  // Two neurons with W = J off the diagonal and a current h into each: P(s) over the four states.
  constexpr double kJ = 0.6;
  constexpr double kH = 0.3;
  constexpr double kT = 1.4;
  Network<double> network;
  network.add_layer({.name = "s",
                     .neurons = 2,
                     .lagrangian = Sign{},
                     .input = constant_current<double>(MatrixXd::Constant(2, 1, kH))});
  MatrixXd w(2, 2);
  w << 0, kJ, kJ, 0;
  network.add_synapse(Symmetric<double>{0, 0, weights<double>(w)});
  constexpr Index kTrajectories = 40000;
  SimulationOptions<double> options;
  options.duration = 30;
  options.step = 1;
  options.integrator.temperature = kT;
  options.integrator.key = {.seed = 4};
  for (const Method method : {Method::asynchronous, Method::synchronous}) {
    options.integrator.method = method;
    const auto run = simulate<double>(network, signs(2, kTrajectories, 3), options);
    Eigen::Vector4d counts = Eigen::Vector4d::Zero();
    for (Index j = 0; j < kTrajectories; ++j)
      counts[(run.state(0, j) < 0 ? 0 : 1) + (run.state(1, j) < 0 ? 0 : 2)] += 1.0 / kTrajectories;
    Eigen::Vector4d expected;
    for (int k = 0; k < 4; ++k) {
      const double a = (k & 1) != 0 ? 1 : -1;
      const double b = (k & 2) != 0 ? 1 : -1;
      // Little (1974), Peretto (1984): weights Π_i 2 cosh(field_i/T) exp(h s_i/T).
      expected[k] =
          method == Method::asynchronous
              ? std::exp((kJ * a * b + kH * (a + b)) / kT)
              : std::cosh((kJ * b + kH) / kT) * std::cosh((kJ * a + kH) / kT) * std::exp(kH * (a + b) / kT);
    }
    expected /= expected.sum();
    // Four standard errors of a share of 40,000 trajectories are at most 0.01.
    CHECK((counts - expected).cwiseAbs().maxCoeff() < 0.01);
  }
}

TEST_CASE("what cannot flip one by one is refused with the reason") {
  SimulationOptions<double> options;
  options.integrator.method = Method::asynchronous;
  const auto graded = tests::model_b(5, 3, 2, 10, 0);
  CHECK_THROWS_WITH_AS(check(graded, options), doctest::Contains("the neurons of v are not binary"),
                       base::UserError);
  Network<double> one_way;
  one_way.add_layer({.name = "s", .neurons = 3, .lagrangian = Sign{}});
  one_way.add_synapse(Asymmetric<double>{0, 0, weights<double>(tests::normals(3, 3, 1))});
  CHECK_THROWS_WITH_AS(check(one_way, options), doctest::Contains("no energy"), base::UserError);
  options.integrator.method = Method::dormand_prince;
  options.integrator.temperature = 1;
  CHECK_THROWS_WITH_AS(check(graded, options), doctest::Contains("temperature"), base::UserError);
  options.integrator.method = Method::synchronous;
  options.convergence = Convergence{};
  CHECK_THROWS_WITH_AS(check(graded, options), doctest::Contains("never come to rest"), base::UserError);
}
