#include "ecphory/landscape/relax.hpp"

#include <doctest/doctest.h>

#include "ecphory/landscape/fixed_points.hpp"

#include "dynamics/networks.hpp"

using namespace ecphory;
using Eigen::Index;
using Eigen::MatrixXd;

TEST_CASE("the short way ends where the simulation does") {
  for (const double tau_h : {0.0, 25.0}) {  // step and γ of two time constants
    const auto network = tests::model_b(20, 6, 8, 10, tau_h);
    const MatrixXd starts = 0.5 * tests::normals(network.rows(), 1300, 3);  // more than a chunk
    auto options = landscape::relaxation(network);
    options.convergence->bound = 1e-9;
    const auto short_way = landscape::relaxed(network, starts, options);
    const auto simulated = dynamics::simulate<double>(network, starts, options);
    // Simulated states are interpolated to the moment the bound is met: a step of at most 1e-9 · √rows, and
    // the way left to rest of a slow direction, apart.
    CHECK((short_way.state - simulated.state).colwise().norm().maxCoeff() < 1e-7);
    CHECK(std::ranges::count(short_way.finite, char{1}) == 1300);

    // Cut off while some have made room for others: every start has as many steps as the rest.
    options.convergence->bound = 1e-4;
    options.duration = 12 * options.step;
    const auto late = landscape::relaxed(network, starts, options);
    const auto reference = dynamics::simulate<double>(network, starts, options);
    int cut_off = 0;
    for (Index j = 0; j < 1300; ++j) {
      if (reference.status[static_cast<std::size_t>(j)] != dynamics::Status::reached_end) continue;
      CHECK((late.state.col(j) - reference.state.col(j)).norm() < 1e-10);  // rounding, grown on the way
      ++cut_off;
    }
    CHECK(cut_off > 20);

    // Two steps and a half: three here, where the simulation makes half of the last.
    options.duration = 2.5 * options.step;
    const auto cut = landscape::relaxed(network, starts, options);
    options.duration = 3 * options.step;
    const auto whole = dynamics::simulate<double>(network, starts, options);
    CHECK((cut.state - whole.state).norm() < 1e-12);  // rounding of 3 steps
  }
}

TEST_CASE("states that run away are told apart") {
  dynamics::Network<double> network;
  const auto x = network.add_layer({.name = "x", .neurons = 1});
  network.add_synapse(
      dynamics::Symmetric<double>{x, x, dynamics::weights<double>(MatrixXd::Constant(1, 1, 3))});
  auto options = landscape::relaxation(network);
  options.duration = 1e5;
  MatrixXd starts(1, 3);
  starts << 1, 0, -2;
  CHECK(landscape::relaxed(network, starts, options).finite == std::vector<char>{0, 1, 0});
  options.integrator.method = dynamics::Method::euler;
  CHECK(landscape::relaxed(network, starts, options).finite == std::vector<char>{0, 1, 0});
}
