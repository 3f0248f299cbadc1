#include "ecphory/dynamics/connectivity.hpp"

#include <doctest/doctest.h>

#include "ecphory/dynamics/simulate.hpp"

#include "networks.hpp"
#include "refusal.hpp"

using namespace ecphory;
using namespace ecphory::dynamics;
using Eigen::MatrixXd;
using tests::contains;
using tests::refusal;

TEST_CASE("a path leads along synapses and not against them; a symmetric one leads both ways") {
  Network<double> network;
  const auto a = network.add_layer({.name = "a", .neurons = 1});
  const auto b = network.add_layer({.name = "b", .neurons = 1});
  const auto c = network.add_layer({.name = "c", .neurons = 1});
  network.add_synapse(Relay<double>{a, b});
  network.add_synapse(Symmetric<double>{b, c, weights<double>(MatrixXd::Ones(1, 1))});
  require_path(network, a, c);
  require_path(network, c, c);
  const std::string back = refusal([&] { require_path(network, c, a); });
  CHECK(contains(back, "a: no path leads here from c, which reaches b, c"));
  CHECK(contains(back, "add the synapse that is missing"));
  CHECK(contains(refusal([&] { require_path(network, a, a); }), "no path leads here from a"));
  const auto d = network.add_layer({.name = "d", .neurons = 1});
  network.add_synapse(Relay<double>{c, d});
  CHECK(contains(refusal([&] { require_path(network, d, d); }), "from d, which reaches no layer"));
}

TEST_CASE("a simulation refuses a layer that nothing joins and an instantaneous one that nothing drives") {
  auto lonely = tests::model_b(4, 3, 1.0, 10, 0);
  lonely.add_layer({.name = "lonely", .neurons = 2});
  CHECK(contains(refusal([&] { simulate<double>(lonely, MatrixXd::Zero(6, 1), {}); }),
                 "lonely: no synapse joins this layer to another"));

  Network<double> silent;
  const auto h = silent.add_layer({.name = "h", .neurons = 1, .tau = 0});
  const auto v = silent.add_layer({.name = "v", .neurons = 1});
  silent.add_synapse(Relay<double>{h, v});
  CHECK(contains(refusal([&] { simulate<double>(silent, MatrixXd::Zero(1, 1), {}); }),
                 "h: nothing drives this instantaneous layer"));
}
