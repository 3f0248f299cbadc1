#include "ecphory/dynamics/network.hpp"

#include <doctest/doctest.h>

#include "ecphory/dynamics/field.hpp"

#include "networks.hpp"
#include "refusal.hpp"

using namespace ecphory;
using namespace ecphory::dynamics;
using compute::Index;
using Eigen::MatrixXd;
using tests::contains;
using tests::refusal;

TEST_CASE("layers out of range are refused by name") {
  Network<double> network;
  network.add_layer({.name = "v", .neurons = 2});
  CHECK(contains(refusal([&] { network.add_layer({.name = "v", .neurons = 2}); }),
                 "there is a layer of this name"));
  CHECK(contains(refusal([&] { network.add_layer({.name = "w", .neurons = 0}); }), "at least one neuron"));
  CHECK(contains(refusal([&] { network.add_layer({.name = "w", .neurons = 1, .tau = -1}); }), "tau = -1 ms"));
  CHECK(contains(refusal([&] { network.add_layer({.name = "w", .neurons = 1, .noise = {.additive = -1}}); }),
                 "noise"));
  CHECK(contains(
      refusal([&] { network.add_layer({.name = "w", .neurons = 1, .tau = 0, .noise = {.additive = 1}}); }),
      "instantaneous layer has noise"));
  CHECK(contains(
      refusal([&] { network.add_layer({.name = "w", .neurons = 1, .lagrangian = LogSumExp{-1}}); }), "beta"));
  CHECK(contains(refusal([&] { network.find("vv"); }), "did you mean v?"));
}

TEST_CASE("synapses that do not fit are refused") {
  Network<double> network;
  const auto a = network.add_layer({.name = "a", .neurons = 2});
  const auto b = network.add_layer({.name = "b", .neurons = 3});
  CHECK(contains(refusal([&] {
                   network.add_synapse(Symmetric<double>{a, b, weights<double>(MatrixXd::Ones(3, 2))});
                 }),
                 "2 x 3"));
  CHECK(
      contains(refusal([&] {
                 network.add_synapse(Symmetric<double>{a, b, weights<double>(MatrixXd::Constant(2, 3, NAN))});
               }),
               "not finite"));
  MatrixXd skew(2, 2);
  skew << 0, 1, -1, 0;
  CHECK(contains(refusal([&] {
                   network.add_synapse(Symmetric<double>{a, a, weights<double>(skew)});
                 }),
                 "not symmetric"));
  CHECK(contains(refusal([&] { network.add_synapse(Relay<double>{a, b}); }), "equal numbers"));
}

TEST_CASE("instantaneous layers are solved in order; a circle of them is named") {
  Network<double> network;
  const auto x = network.add_layer({.name = "x", .neurons = 1, .tau = 10});
  const auto c = network.add_layer({.name = "c", .neurons = 1, .tau = 0});
  const auto b = network.add_layer({.name = "b", .neurons = 1, .tau = 0});
  const auto one = weights<double>(MatrixXd::Constant(1, 1, 2.0));
  network.add_synapse(Asymmetric<double>{b, c, one});
  network.add_synapse(Asymmetric<double>{x, b, one});
  network.add_synapse(Asymmetric<double>{c, x, one});
  CHECK(network.instantaneous_order() == std::vector<LayerId>{b, c});
  Field<double> field(network);
  const std::vector<Index> ids = {0};
  field.select(ids, 0);
  const double state = 3;
  double drive = 0;
  field.drive({&state, 1, 1, 1}, {&drive, 1, 1, 1});
  CHECK(drive == 24);
  CHECK(*field.state(c).column(0) == 12);
  const std::string message = refusal([&] { network.add_synapse(Asymmetric<double>{c, b, one}); });
  CHECK(contains(message, "circle"));
  CHECK((contains(message, "b <- c") || contains(message, "c <- b")));
  CHECK(network.synapses().size() == 3);
}

TEST_CASE("every trajectory may have weights and currents of its own") {
  std::vector<MatrixXd> values = {MatrixXd::Constant(2, 1, 1.0), MatrixXd::Constant(2, 1, -1.0)};
  Network<double> network;
  MatrixXd current(1, 2);
  current << 3, 5;
  const auto pre =
      network.add_layer({.name = "pre", .neurons = 1, .tau = 0, .input = constant_current<double>(current)});
  const auto post = network.add_layer({.name = "post", .neurons = 2});
  network.add_synapse(Asymmetric<double>{pre, post, weights<double>(values)});
  Field<double> field(network);
  const std::vector<Index> ids = {1, -1, 0};
  field.select(ids, 0);
  const MatrixXd x = MatrixXd::Zero(2, 3);
  MatrixXd d(2, 3);
  field.drive({x.data(), 2, 3, 2}, {d.data(), 2, 3, 2});
  CHECK(d.col(0) == Eigen::Vector2d(-5, -5));
  CHECK(d.col(1) == Eigen::Vector2d(0, 0));
  CHECK(d.col(2) == Eigen::Vector2d(3, 3));
}

TEST_CASE("blocks of a layer norm and time constants of neurons must fit the layer") {
  Network<double> network;
  CHECK_THROWS_WITH_AS(network.add_layer({.name = "x", .neurons = 7, .lagrangian = LayerNorm{.groups = 2}}),
                       doctest::Contains("7 neurons are not 2 blocks"), base::UserError);
  CHECK_THROWS_AS(network.add_layer({.name = "x", .neurons = 2, .tau_of_neuron = {1}}), base::UserError);
  CHECK_THROWS_AS(network.add_layer({.name = "x", .neurons = 2, .tau_of_neuron = {1, 0}}), base::UserError);
  CHECK_THROWS_AS(network.add_layer({.name = "x", .neurons = 1, .tau = 0, .tau_of_neuron = {1}}),
                  base::UserError);
  CHECK_NOTHROW(network.add_layer({.name = "x", .neurons = 8, .lagrangian = LayerNorm{.groups = 2}}));
}
