// Drives of hypersynapses against the slopes of their energies, and their derivatives.

#include "ecphory/dynamics/hypersynapse.hpp"

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/certificate.hpp"
#include "ecphory/dynamics/field.hpp"
#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/dynamics/synapses/attention.hpp"
#include "ecphory/dynamics/synapses/epanechnikov.hpp"
#include "ecphory/dynamics/synapses/gate.hpp"
#include "ecphory/dynamics/synapses/plastic.hpp"
#include "ecphory/dynamics/synapses/setwise.hpp"
#include "ecphory/dynamics/synapses/shared_memories.hpp"

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

TEST_CASE("the drives of every hypersynapse with an energy are minus its slope") {
  const auto normals = [](Index rows, Index columns, std::uint64_t seed) {
    return weights<double>(tests::normals(rows, columns, seed));
  };
  tests::check_hypersynapse(Epanechnikov<double>(0, normals(5, 7, 1), 0.15, 0.3), {5});
  tests::check_hypersynapse(SharedMemories<double>(0, normals(3, 5, 1)), {12});
  tests::check_hypersynapse(Plastic<double>(0, 1, 0.7), {6, 15});
  for (const bool self : {false, true}) {
    const Attention<double>::Options options{.tokens = 4, .heads = 2, .beta = 0.6, .self = self};
    tests::check_hypersynapse(Attention<double>(0, options, normals(6, 5, 1), normals(6, 5, 2)), {20},
                              1e-6);  // fourth derivatives of the size of 1e4
  }
}

TEST_CASE("plastic weights that are held are the symmetric synapse without its diagonal") {
  const MatrixXd g = tests::normals(4, 1, 1);
  const MatrixXd pairs = tests::normals(6, 1, 2);
  MatrixXd w = MatrixXd::Zero(4, 4);
  for (Index j = 0, pair = 0; j < 4; ++j) {
    for (Index i = j + 1; i < 4; ++i, ++pair) w(i, j) = w(j, i) = pairs(pair, 0);
  }
  MatrixXd d = MatrixXd::Zero(4, 1);
  const std::vector<compute::View<const double>> outputs = {{g.data(), 4, 1, 4}, {pairs.data(), 6, 1, 6}};
  Plastic<double>(0, 1).add_drive(outputs, {}, 0, {d.data(), 4, 1, 4});
  CHECK((d - w * g).norm() < 1e-14);
  CHECK(pair_products(g)(3, 0) == g(2, 0) * g(1, 0));
}

TEST_CASE("attention of one head is the weighted sum that its definition says") {
  const MatrixXd keys = tests::normals(3, 2, 1);
  const MatrixXd queries = tests::normals(3, 2, 2);
  const MatrixXd g = tests::normals(6, 1, 3);
  const Eigen::Map<const MatrixXd> tokens(g.data(), 2, 3);
  const Attention<double> attention(0, {.tokens = 3, .heads = 1, .beta = 0.5}, weights<double>(keys),
                                    weights<double>(queries));
  const MatrixXd scores = (keys * tokens).transpose() * (queries * tokens);  // (B, C)
  double expected = 0;
  for (Index c = 0; c < 3; ++c) {
    double sum = 0;
    for (Index b = 0; b < 3; ++b) sum += b == c ? 0.0 : std::exp(0.5 * scores(b, c));
    expected -= std::log(sum) / 0.5;
  }
  double e = 0;
  attention.add_energy(std::vector<compute::View<const double>>{{g.data(), 6, 1, 6}}, {}, {&e, 1, 1, 1});
  CHECK(e == doctest::Approx(expected).epsilon(1e-13));
}

TEST_CASE("attention holds scores whose exponentials overflow") {
  const Attention<double> attention(0, {.tokens = 2, .heads = 1, .beta = 1},
                                    weights<double>(MatrixXd::Constant(1, 1, 1e3)),
                                    weights<double>(MatrixXd::Constant(1, 1, 1.0)));
  const Eigen::Vector2d g(3, 2);  // each attends to the other: E = −(1e3·2·3 + 1e3·3·2)
  double e = 0;
  attention.add_energy(std::vector<compute::View<const double>>{{g.data(), 2, 1, 2}}, {}, {&e, 1, 1, 1});
  CHECK(e == doctest::Approx(-12000));
}

TEST_CASE("hypersynapses that do not fit are refused") {
  const auto w = weights<double>(MatrixXd::Ones(6, 5));
  CHECK_THROWS_AS(Attention<double>(0, {.tokens = 1, .heads = 2}, w, w), base::UserError);
  CHECK_THROWS_AS(Attention<double>(0, {.tokens = 4, .heads = 4}, w, w), base::UserError);
  CHECK_THROWS_AS(Attention<double>(0, {.tokens = 4, .heads = 2, .beta = 0}, w, w), base::UserError);
  CHECK_THROWS_AS(Epanechnikov<double>(0, w, 0, 1), base::UserError);
  CHECK_THROWS_AS(Epanechnikov<double>(0, w, 1, 0), base::UserError);
  Network<double> network;
  network.add_layer({.name = "x", .neurons = 7});
  network.add_layer({.name = "pairs", .neurons = 20});
  const auto refused = [&](std::shared_ptr<const Hypersynapse<double>> synapse) {
    CHECK_THROWS_AS(network.add_synapse(std::move(synapse)), base::UserError);
  };
  refused(std::make_shared<const Attention<double>>(0, Attention<double>::Options{.tokens = 2, .heads = 2}, w,
                                                    w));
  refused(std::make_shared<const Epanechnikov<double>>(0, w, 1, 1));
  refused(std::make_shared<const SharedMemories<double>>(0, w));
  refused(std::make_shared<const Plastic<double>>(0, 1));
}
