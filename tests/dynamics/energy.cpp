// The energy theorem, over random networks of all Lagrangians.

#include <cmath>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/certificate.hpp"
#include "ecphory/dynamics/field.hpp"
#include "ecphory/dynamics/simulate.hpp"

#include "networks.hpp"

using namespace ecphory;
using namespace ecphory::dynamics;
using compute::Index;
using Eigen::MatrixXd;

namespace {

/// Two to four layers in a chain, each with a random Lagrangian and time constant, a random current, and
/// sometimes weights within.
Network<double> random_network(std::uint64_t seed) {
  const base::RandomStream stream({.seed = seed}, base::Purpose("random network"));
  std::uint64_t next = 0;
  const auto pick = [&](std::uint64_t bound) {
    std::uint64_t value = 0;
    stream.integers(next++, bound, {&value, 1});
    return value;
  };
  const std::vector<Lagrangian> lagrangians = {
      Quadratic{}, RectifiedPower{2}, RectifiedPower{3}, LogSumExp{2}, Spherical{}, Tanh{1.5}, Logistic{2}};
  Network<double> network;
  const auto layers = static_cast<LayerId>(2 + pick(3));
  for (LayerId layer = 0; layer < layers; ++layer) {
    const auto neurons = static_cast<Index>(1 + pick(6));
    network.add_layer({.name = "",
                       .neurons = neurons,
                       .lagrangian = lagrangians[pick(lagrangians.size())],
                       .tau = layer > 0 && pick(4) == 0 && network.layers()[layer - 1].tau > 0
                                  ? 0.0
                                  : 1 + static_cast<double>(pick(20)),
                       .input = constant_current<double>(tests::normals(neurons, 1, seed + layer))});
    if (layer > 0) {
      const Index before = network.layers()[layer - 1].neurons;
      network.add_synapse(Symmetric<double>{
          layer - 1, layer,
          weights<double>(0.5 * tests::normals(before, neurons, 1000 + seed * 10 + layer))});
    }
    if (network.layers()[layer].tau > 0 && pick(3) == 0) {
      const MatrixXd w = tests::normals(neurons, neurons, 5000 + seed * 10 + layer);
      network.add_synapse(Symmetric<double>{layer, layer, weights<double>(0.2 * (w + w.transpose()))});
    }
  }
  return network;
}

}  // namespace

TEST_CASE("energy never rises, over 1000 random networks") {
  Index falling = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const auto network = random_network(seed);
    CAPTURE(seed);
    const Certificate certificate = certify(network);
    CHECK(certificate.never_rises);
    SimulationOptions<double> options;
    options.duration = 30;
    options.integrator = {.rtol = 1e-9, .atol = 1e-11};
    options.max_steps = 3000;
    for (int k = 0; k <= 40; ++k) options.record_times.push_back(0.75 * k);
    const auto run = simulate<double>(network, tests::normals(network.rows(), 1, seed), options);
    const Eigen::VectorXd e = energies<double>(network, MatrixXd(run.record->trajectory(0)));
    for (Index k = 0; k + 1 < e.size() && std::isfinite(e[k + 1]); ++k) {
      // Rounding of sums of tens of terms, and the tolerance of the states times the energy's slope.
      CHECK(e[k + 1] <= e[k] + 1e-8 * (1 + std::abs(e[k])));
      falling += e[k + 1] < e[k] - 1e-6 ? 1 : 0;
    }
    if (certificate.bounded_below)
      CHECK((run.status[0] == Status::reached_end || run.status[0] == Status::step_limit));
  }
  CHECK(falling > 5000);
}

TEST_CASE("the slope of the energy is minus the sum of tau x' Hessian x'") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto network = random_network(seed);
    CAPTURE(seed);
    const MatrixXd x = tests::normals(network.rows(), 1, seed + 1);
    Field<double> field(network);
    const std::vector<Index> ids = {0};
    field.select(ids, 0);
    MatrixXd d(network.rows(), 1);
    const Index rows = network.rows();
    field.drive({x.data(), rows, 1, rows}, {d.data(), rows, 1, rows});
    MatrixXd rate = d - x;
    for (LayerId layer = 0; layer < network.layers().size(); ++layer) {
      const auto& l = network.layers()[layer];
      if (l.tau > 0) rate.middleRows(network.first_row(layer), l.neurons) /= l.tau;
    }
    double slope = 0;
    field.energy_slope({x.data(), rows, 1, rows}, {&slope, 1, 1, 1});
    // Central differences with h = 1e-4: truncation near h² and rounding near eps/h of an energy of order 10.
    constexpr double kH = 1e-4;
    const double numeric = (energies<double>(network, MatrixXd(x + kH * rate))[0] -
                            energies<double>(network, MatrixXd(x - kH * rate))[0]) /
                           (2 * kH);
    CHECK(slope <= 1e-14);
    CHECK(std::abs(slope - numeric) < 1e-6 * (1 + std::abs(numeric)));
  }
}

TEST_CASE("the slope of the energy holds for neurons with time constants of their own, also where it rises") {
  bool rises = false;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Network<double> network;
    network.add_layer({.name = "x", .neurons = 4, .lagrangian = Tanh{2}, .tau_of_neuron = {1, 50, 3, 8}});
    network.add_layer({.name = "p", .neurons = 3, .lagrangian = LogSumExp{3}, .tau_of_neuron = {1, 100, 5}});
    network.add_synapse(Symmetric<double>{0, 1, weights<double>(tests::normals(4, 3, seed))});
    const Eigen::VectorXd tau = (Eigen::VectorXd(7) << 1, 50, 3, 8, 1, 100, 5).finished();
    const MatrixXd x = tests::normals(7, 1, seed + 100);
    Field<double> field(network);
    const std::vector<Index> ids = {0};
    field.select(ids, 0);
    MatrixXd d(7, 1);
    field.drive({x.data(), 7, 1, 7}, {d.data(), 7, 1, 7});
    const MatrixXd rate = (d - x).cwiseQuotient(tau);
    double slope = 0;
    field.energy_slope({x.data(), 7, 1, 7}, {&slope, 1, 1, 1});
    constexpr double kH = 1e-4;  // as above
    const double numeric = (energies<double>(network, MatrixXd(x + kH * rate))[0] -
                            energies<double>(network, MatrixXd(x - kH * rate))[0]) /
                           (2 * kH);
    CHECK(std::abs(slope - numeric) < 1e-6 * (1 + std::abs(numeric)));
    rises = rises || slope > 1e-3;
  }
  CHECK(rises);  // a softmax whose neurons differ in speed: the certificate must not promise that it falls
}

TEST_CASE("the derivative of the drive is its slope along a direction") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto network = random_network(seed);
    CAPTURE(seed);
    const Index rows = network.rows();
    const MatrixXd x = tests::normals(rows, 3, seed + 1);
    const MatrixXd u = tests::normals(rows, 3, seed + 2);
    Field<double> field(network);
    const std::vector<Index> ids = {0, 1, 2};
    field.select(ids, 0);
    const auto drive = [&](const MatrixXd& at) {
      MatrixXd d(rows, 3);
      field.drive({at.data(), rows, 3, rows}, {d.data(), rows, 3, rows});
      return d;
    };
    constexpr double kH = 1e-5;  // truncation near h², rounding near eps/h of drives of order 10
    const MatrixXd slope = (drive(x + kH * u) - drive(x - kH * u)) / (2 * kH);
    drive(x);
    MatrixXd tangent(rows, 3);
    field.drive_tangent({u.data(), rows, 3, rows}, {tangent.data(), rows, 3, rows});
    CHECK((tangent - slope).cwiseAbs().maxCoeff() < 1e-7 * (1 + slope.cwiseAbs().maxCoeff()));
  }
}

TEST_CASE("certificates say in words which condition fails") {
  Network<double> network;
  const auto a = network.add_layer({.name = "cortex", .neurons = 3});
  const auto b =
      network.add_layer({.name = "hippocampus", .neurons = 4, .lagrangian = LogSumExp{2}, .tau = 5});
  network.add_synapse(Symmetric<double>{a, b, weights<double>(tests::normals(3, 4, 1))});
  const Certificate good = certify(network);
  CHECK(good.has_energy);
  CHECK(good.never_rises);
  CHECK(good.bounded_below);
  REQUIRE(good.remarks.size() == 1);
  CHECK(good.remarks[0].find("hippocampus has a singular Hessian along the constant vector") !=
        std::string::npos);

  Network<double> one_way = network;
  one_way.add_synapse(Asymmetric<double>{a, b, weights<double>(tests::normals(4, 3, 2))});
  CHECK_FALSE(certify(one_way).has_energy);
  CHECK(certify(one_way).text().find("The synapse from cortex to hippocampus is asymmetric") !=
        std::string::npos);
  CHECK_THROWS_AS(energies<double>(one_way, MatrixXd::Zero(7, 1)), base::UserError);

  Network<double> moving;
  moving.add_layer({.name = "retina", .neurons = 1, .input = pulse<double>(5, 5, MatrixXd::Ones(1, 1))});
  CHECK_FALSE(certify(moving).never_rises);
  CHECK(certify(moving).has_energy);
  CHECK(certify(moving).text().find("The input of retina changes with time") != std::string::npos);

  Network<double> noisy;
  noisy.add_layer({.name = "retina", .neurons = 1, .noise = {.additive = 0.1}});
  CHECK_FALSE(certify(noisy).never_rises);

  Network<double> odd;
  odd.add_layer({.name = "retina", .neurons = 1, .lagrangian = Power{3}});
  CHECK_FALSE(certify(odd).never_rises);
  CHECK(certify(odd).text().find("The power Lagrangian of retina is not convex") != std::string::npos);

  Network<double> mixed;
  mixed.add_layer({.name = "retina", .neurons = 2, .lagrangian = Tanh{1}, .tau_of_neuron = {1, 50}});
  CHECK(certify(mixed).never_rises);
  mixed.add_layer({.name = "cortex", .neurons = 2, .lagrangian = LogSumExp{1}, .tau_of_neuron = {1, 50}});
  CHECK_FALSE(certify(mixed).never_rises);

  Network<double> inhibiting;
  inhibiting.add_layer({.name = "spins", .neurons = 2, .lagrangian = Sign{}});
  MatrixXd w = MatrixXd::Identity(2, 2);
  inhibiting.add_synapse(Symmetric<double>{0, 0, weights<double>(w)});
  CHECK(certify(inhibiting).never_rises);
  w(1, 1) = -1;
  inhibiting.add_synapse(Symmetric<double>{0, 0, weights<double>(w)});
  CHECK_FALSE(certify(inhibiting).never_rises);
  CHECK(certify(inhibiting).text().find("spins inhibit themselves") != std::string::npos);

  Network<double> unbounded;
  const auto x = unbounded.add_layer({.name = "x", .neurons = 2});
  unbounded.add_synapse(Symmetric<double>{x, x, weights<double>(MatrixXd::Identity(2, 2) * 2)});
  CHECK(certify(unbounded).never_rises);
  CHECK_FALSE(certify(unbounded).bounded_below);
}

TEST_CASE("tied keys and values have the energy of the symmetric synapse") {
  const MatrixXd xi = tests::normals(6, 4, 1);
  const auto w = weights<double>(xi);
  Network<double> symmetric;
  Network<double> tied;
  for (Network<double>* const network : {&symmetric, &tied}) {
    network->add_layer({.name = "v", .neurons = 6});
    network->add_layer({.name = "h", .neurons = 4, .lagrangian = LogSumExp{2}, .tau = 0});
  }
  symmetric.add_synapse(Symmetric<double>{0, 1, w});
  tied.add_synapse(KeyValue<double>{0, 1, 0, w, w});
  const MatrixXd v = tests::normals(6, 5, 2);
  CHECK((energies<double>(symmetric, v) - energies<double>(tied, v)).norm() < 1e-13);
  CHECK(certify(tied).has_energy);
}
