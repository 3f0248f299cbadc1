#include "ecphory/landscape/jacobian.hpp"

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/field.hpp"

#include "dynamics/networks.hpp"

using namespace ecphory;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

TEST_CASE("the Jacobian is the slope of dx/dt in every direction") {
  for (const double tau_h : {0.0, 3.0}) {
    auto network = tests::model_b(6, 4, 2.5, 10, tau_h);
    network.add_layer(
        {.name = "slow", .neurons = 2, .lagrangian = dynamics::Tanh{2}, .tau_of_neuron = {4, 40}});
    network.add_synapse(
        dynamics::Asymmetric<double>{0, 2, dynamics::weights<double>(tests::normals(2, 6, 4))});
    const Index n = network.rows();
    const VectorXd x = tests::normals(n, 1, 2);
    const VectorXd tau = landscape::time_constants(network);
    CHECK(tau[n - 1] == 40);
    const auto rate = [&](const VectorXd& at) -> VectorXd {
      dynamics::Field<double> field(network);
      field.select(std::vector<Index>{0}, 0);
      VectorXd d(n);
      field.drive({at.data(), n, 1, n}, {d.data(), n, 1, n});
      return (d - at).cwiseQuotient(tau);
    };
    const MatrixXd j = landscape::jacobian(network, x);
    constexpr double kH = 1e-5;  // truncation near h², rounding near eps/h
    for (Index i = 0; i < n; ++i) {
      const VectorXd step = kH * VectorXd::Unit(n, i);
      CHECK((j.col(i) - (rate(x + step) - rate(x - step)) / (2 * kH)).cwiseAbs().maxCoeff() < 1e-9);
    }
    CHECK_THROWS_AS(landscape::jacobian(network, VectorXd::Zero(n + 1)), base::UserError);
  }
}
