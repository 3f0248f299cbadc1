// Drives of hypersynapses against the slopes of their energies, and their derivatives.

#include "ecphory/dynamics/hypersynapse.hpp"

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/certificate.hpp"
#include "ecphory/dynamics/field.hpp"
#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/dynamics/synapses/gate.hpp"
#include "ecphory/dynamics/synapses/setwise.hpp"

#include "hypersynapse_check.hpp"
#include "networks.hpp"

using namespace ecphory;
using namespace ecphory::dynamics;
using compute::Index;
using Eigen::MatrixXd;

namespace {

Sets some_sets(Index size, Index neurons, std::size_t count, std::uint64_t seed) {
  Sets sets{.size = size};
  const MatrixXd w = tests::normals(static_cast<Index>(count), 1, seed);
  for (std::size_t s = 0; s < count; ++s) {
    const auto first = static_cast<Index>(s * 5 + seed);
    for (Index a = 0; a < size; ++a)
      sets.members.push_back((first + a * (1 + static_cast<Index>(s) % 2)) % neurons);
    sets.weights.push_back(w(static_cast<Index>(s), 0));
  }
  return sets;
}

}  // namespace

TEST_CASE("setwise connections drive with minus the slope of their energy") {
  const Setwise<double> setwise(
      0, 11,
      {some_sets(1, 11, 3, 1), some_sets(2, 11, 8, 2), some_sets(3, 11, 9, 3), some_sets(5, 11, 4, 4)});
  tests::check_hypersynapse(setwise, {11});
}

TEST_CASE("the energy of one set of three neurons is minus its weight times their product") {
  const Setwise<double> setwise(0, 4, {{.size = 3, .members = {3, 0, 2}, .weights = {1.5}}});
  const Eigen::Vector4d g(2, 100, 3, 5);
  double e = 0;
  setwise.add_energy(std::vector<compute::View<const double>>{{g.data(), 4, 1, 4}}, {}, {&e, 1, 1, 1});
  CHECK(e == -45.0);
}

TEST_CASE("pairs by sets are the symmetric synapse") {
  const MatrixXd half = tests::normals(6, 6, 3);
  MatrixXd w = MatrixXd::Zero(6, 6);
  Sets pairs{.size = 2};
  for (Index i = 0; i < 6; ++i) {
    for (Index j = 0; j < i; ++j) {
      w(i, j) = w(j, i) = half(i, j);
      pairs.members.insert(pairs.members.end(), {i, j});
      pairs.weights.push_back(half(i, j));
    }
  }
  Network<double> by_sets;
  by_sets.add_layer({.name = "x", .neurons = 6, .lagrangian = Tanh{2}});
  by_sets.add_synapse(std::make_shared<const Setwise<double>>(0, 6, std::vector{pairs}));
  Network<double> by_matrix;
  by_matrix.add_layer({.name = "x", .neurons = 6, .lagrangian = Tanh{2}});
  by_matrix.add_synapse(Symmetric<double>{0, 0, weights<double>(w)});
  const MatrixXd x = tests::normals(6, 4, 5);
  CHECK((energies<double>(by_sets, x) - energies<double>(by_matrix, x)).cwiseAbs().maxCoeff() < 1e-13);
  const auto a = simulate<double>(by_sets, x, {.duration = 20});
  const auto b = simulate<double>(by_matrix, x, {.duration = 20});
  CHECK((a.state - b.state).cwiseAbs().maxCoeff() < 1e-12);
  CHECK(certify(by_sets).never_rises);
  CHECK(certify(by_sets).bounded_below);
}

TEST_CASE("sets of an unbounded layer may let the energy fall without end") {
  Network<double> network;
  network.add_layer({.name = "x", .neurons = 3});
  network.add_synapse(std::make_shared<const Setwise<double>>(
      0, 3, std::vector<Sets>{{.size = 3, .members = {0, 1, 2}, .weights = {1}}}));
  CHECK(certify(network).never_rises);
  CHECK_FALSE(certify(network).bounded_below);
}

TEST_CASE("sets that do not fit are refused") {
  const auto make = [](Sets sets) { Setwise<double>(0, 4, {std::move(sets)}); };
  CHECK_THROWS_AS(make({.size = 2, .members = {0, 4}, .weights = {1}}), base::UserError);
  CHECK_THROWS_AS(make({.size = 2, .members = {1, 1}, .weights = {1}}), base::UserError);
  CHECK_THROWS_AS(make({.size = 2, .members = {0, 1, 2}, .weights = {1}}), base::UserError);
  CHECK_THROWS_AS(make({.size = 1, .members = {0}, .weights = {NAN}}), base::UserError);
  Network<double> network;
  network.add_layer({.name = "x", .neurons = 5});
  CHECK_THROWS_AS(network.add_synapse(std::make_shared<const Setwise<double>>(0, 4, std::vector<Sets>{})),
                  base::UserError);
}

TEST_CASE("a gate multiplies, has no energy, and says so") {
  Network<double> network;
  const auto a = network.add_layer({.name = "a", .neurons = 2});
  const auto b = network.add_layer({.name = "b", .neurons = 2, .lagrangian = Tanh{1}});
  const auto c = network.add_layer({.name = "c", .neurons = 2, .tau = 0});
  network.add_synapse(std::make_shared<const Gate<double>>(a, b, c, 3.0));
  network.add_synapse(Relay<double>{c, a});
  Field<double> field(network);
  const std::vector<Index> ids = {0};
  field.select(ids, 0);
  const Eigen::Vector4d x(2, -1, 0.5, 0.25);
  Eigen::Vector4d d;
  field.drive({x.data(), 4, 1, 4}, {d.data(), 4, 1, 4});
  CHECK(d[0] == doctest::Approx(3 * 2 * std::tanh(0.5)));
  CHECK(d[1] == doctest::Approx(3 * -1 * std::tanh(0.25)));
  CHECK_FALSE(certify(network).has_energy);
  CHECK(certify(network).text().find("is a gate: it derives from no energy") != std::string::npos);
  CHECK_THROWS_WITH_AS(energies<double>(network, x), doctest::Contains("a gate"), base::UserError);
  Network<double> circle;
  circle.add_layer({.name = "a", .neurons = 2, .tau = 0});
  CHECK_THROWS_AS(circle.add_synapse(std::make_shared<const Gate<double>>(0, 0, 0)), base::UserError);
  circle.add_layer({.name = "b", .neurons = 3});
  CHECK_THROWS_AS(circle.add_synapse(std::make_shared<const Gate<double>>(0, 0, 1)), base::UserError);
}
