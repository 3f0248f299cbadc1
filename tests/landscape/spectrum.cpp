#include "ecphory/landscape/spectrum.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"

#include "landscape/memories.hpp"

using namespace ecphory;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

TEST_CASE("the mean of M orthonormal patterns has the eigenvalues (β/M − 1)/τ, M − 1 times, and −1/τ") {
  const double tau = 4;
  for (const Index m : {2, 3, 5}) {
    for (const double beta : {0.8, 30.0}) {
      const auto network = tests::retrieval(tests::orthonormal(7, m), beta, tau);
      VectorXd v = VectorXd::Zero(7);
      v.head(m).setConstant(1 / static_cast<double>(m));
      const auto s = landscape::spectrum(network, v, {.leading = 100});
      REQUIRE(s.leading.size() == 7);
      for (Index i = 0; i < 7; ++i) {
        const double exact = (i < m - 1 ? beta / static_cast<double>(m) - 1 : -1.0) / tau;
        CHECK(std::abs(s.leading[i] - exact) < 1e-13 * beta);  // rounding of numbers up to β
      }
      CHECK(s.index == (beta > static_cast<double>(m) ? m - 1 : 0));
    }
  }
}

TEST_CASE("overlap space and the whole Jacobian have the same eigenvalues") {
  const MatrixXd patterns = tests::normals(20, 6, 1) / std::sqrt(20.0);
  auto small = tests::retrieval(patterns, 7, 5);
  dynamics::Network<double> large;  // neurons with time constants of their own do not suit overlap space
  large.add_layer({.name = "v", .neurons = 20, .tau_of_neuron = std::vector<double>(20, 5.0)});
  large.add_layer({.name = "h", .neurons = 6, .lagrangian = dynamics::LogSumExp{7}, .tau = 0});
  large.add_synapse(dynamics::Symmetric<double>{0, 1, dynamics::weights<double>(patterns)});
  const auto current = dynamics::constant_current<double>(0.3 * tests::normals(6, 1, 8));
  small.set_input(1, current);
  large.set_input(1, current);
  const MatrixXd states = 0.4 * tests::normals(20, 5, 2);
  const auto a = landscape::spectra(small, states, {.leading = 20});
  const auto b = landscape::spectra(large, states, {.leading = 20});
  REQUIRE(a.size() == 5);
  for (std::size_t j = 0; j < a.size(); ++j) {
    CHECK(a[j].index == b[j].index);
    CHECK((a[j].leading - b[j].leading).norm() < 1e-12);  // rounding of numbers up to β/τ
  }
}

TEST_CASE("complex eigenvalues, and those of unequal time constants") {
  dynamics::Network<double> network;
  const auto x = network.add_layer({.name = "x", .neurons = 3, .tau_of_neuron = {2, 2, 8}});
  const MatrixXd w{{0, -3, 0}, {3, 0, 0}, {0, 0, 2}};
  network.add_synapse(dynamics::Asymmetric<double>{x, x, dynamics::weights<double>(w)});
  const auto s = landscape::spectrum(network, VectorXd::Zero(3));
  REQUIRE(s.leading.size() == 3);
  CHECK(std::abs(s.leading[0] - 1.0 / 8) < 1e-14);
  CHECK(std::abs(s.leading[1] - std::complex<double>(-0.5, 1.5)) < 1e-14);
  CHECK(std::abs(s.leading[2] - std::complex<double>(-0.5, -1.5)) < 1e-14);
  CHECK(s.index == 1);
  CHECK(landscape::spectrum(network, VectorXd::Zero(3), {.tolerance = 0.2}).index == 0);
  CHECK(landscape::spectrum(network, VectorXd::Zero(3), {.leading = 1}).leading.size() == 1);
}

TEST_CASE("a spectrum says what it cannot do") {
  const auto network = tests::model_b(6, 4, 2, 10, 0);
  CHECK_THROWS_AS(landscape::spectrum(network, VectorXd::Zero(5)), base::UserError);
  CHECK_THROWS_AS(landscape::spectrum(network, VectorXd::Constant(6, std::nan(""))), base::UserError);
  CHECK_THROWS_AS(landscape::spectrum(network, VectorXd::Zero(6), {.leading = -1}), base::UserError);
  CHECK_THROWS_AS(landscape::spectrum(network, VectorXd::Zero(6), {.tolerance = -1}), base::UserError);
}
