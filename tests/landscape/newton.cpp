#include "ecphory/landscape/newton.hpp"

#include <Eigen/LU>
#include <cmath>
#include <string>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/landscape/jacobian.hpp"

#include "landscape/memories.hpp"

using namespace ecphory;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

TEST_CASE("Newton's method finds the fixed point of one pattern to rounding") {
  // u = m ξ with m = tanh(κm).
  const VectorXd xi = tests::signs().col(1);
  const auto network = tests::graded(xi, 1.7);
  const double m = tests::root([](double x) { return x - std::tanh(1.7 * x); }, 0.1, 1);
  const VectorXd start = 1.4 * xi + 0.3 * tests::normals(8, 1, 1);
  const auto result = landscape::newton(network, start, {.tolerance = 1e-14});
  CHECK(result.converged[0] == 1);
  CHECK(result.residual[0] <= 1e-14);
  CHECK((result.state - m * xi).cwiseAbs().maxCoeff() < 1e-14);  // a few roundings of numbers below 1
}

TEST_CASE("Newton's method converges quadratically, whatever the network") {
  for (const double tau_h : {0.0, 3.0}) {
    auto network = tests::model_b(40, 12, 6, 10, tau_h,
                                  dynamics::constant_current<double>(0.1 * tests::normals(40, 1, 3)));
    const MatrixXd xi = tests::normals(40, 12, 11) / std::sqrt(40.0);  // the network's patterns
    const VectorXd v = xi.col(0) + 0.2 * xi.col(1);
    VectorXd start(network.rows());
    start.head(40) = v;
    start.tail(network.rows() - 40) = (xi.transpose() * v).head(network.rows() - 40);
    std::vector<double> residuals;
    for (int iterations = 0; iterations < 20; ++iterations) {
      const auto result =
          landscape::newton(network, start, {.tolerance = 1e-15, .max_iterations = iterations});
      residuals.push_back(result.residual[0]);
    }
    CHECK(residuals.back() < 1e-14);  // rounding of states near 0.2
    int quadratic = 0;
    for (std::size_t k = 0; k + 1 < residuals.size(); ++k) {
      // Below 1e-7, whose square is rounding, the fall shows nothing.
      if (residuals[k] > 1e-3 || residuals[k] < 1e-7) continue;
      CHECK(residuals[k + 1] < std::max(100 * residuals[k] * residuals[k], 1e-14));
      ++quadratic;
    }
    CHECK(quadratic >= 1);
  }
}

TEST_CASE("linear residuals tighten, where directions lower them little by little") {
  const Index n = 60;
  dynamics::Network<double> network;
  const auto x = network.add_layer({.name = "x",
                                    .neurons = n,
                                    .lagrangian = dynamics::Tanh{1},
                                    .input = dynamics::constant_current<double>(tests::normals(n, 1, 1))});
  const MatrixXd w = 0.9 * tests::normals(n, n, 2) / std::sqrt(static_cast<double>(n));
  network.add_synapse(dynamics::Asymmetric<double>{x, x, dynamics::weights<double>(w)});
  double before = 1;
  bool seen = false;
  for (int iterations = 1; iterations < 8; ++iterations) {
    const double residual =
        landscape::newton(network, MatrixXd::Zero(n, 1), {.tolerance = 1e-15, .max_iterations = iterations})
            .residual[0];
    // Where the linear residual is always a hundredth, so is the fall.
    if (before < 1e-4 && before > 1e-10) {
      CHECK(residual < std::max(2e-3 * before, 1e-14));
      seen = true;
    }
    before = residual;
  }
  CHECK(seen);
}

TEST_CASE("a column's result does not depend on the others") {
  const auto network = tests::model_b(30, 10, 12, 10, 0);
  const MatrixXd xi = tests::normals(30, 10, 11) / std::sqrt(30.0);                 // the network's patterns
  const MatrixXd starts = xi.replicate(1, 30) + 0.02 * tests::normals(30, 300, 7);  // three blocks
  const auto together = landscape::newton(network, starts);
  CHECK(together.failures() < 100);
  int checked = 0;
  for (Index j = 0; j < starts.cols(); j += 7) {
    const auto at = static_cast<std::size_t>(j);
    const auto alone = landscape::newton(network, starts.col(j));
    CHECK(alone.converged[0] == together.converged[at]);
    if (alone.converged[0] == 0) continue;
    CHECK(std::abs(alone.iterations[0] - together.iterations[at]) <= 1);
    // Roots are found to tolerance · √rows over the smallest singular value of J, here above 0.01.
    CHECK((alone.state - together.state.col(j)).norm() < 1e-9);
    ++checked;
  }
  CHECK(checked > 20);
}

TEST_CASE("every column has the input of its own trajectory") {
  // Without synapses that matter, the fixed point is the input.
  dynamics::Network<double> network;
  const MatrixXd current = tests::normals(5, 250, 2);
  network.add_layer({.name = "x", .neurons = 5, .input = dynamics::constant_current<double>(current)});
  const auto result = landscape::newton(network, MatrixXd::Zero(5, 250));
  CHECK((result.state - current).norm() < 1e-13);
  CHECK_THROWS_AS(landscape::newton(network, MatrixXd::Zero(5, 249)), base::UserError);
}

TEST_CASE("more iterations stand in for directions of GMRES") {
  // Eigenvalues of J fill a disc: few directions cannot solve for the step.
  const Index n = 24;
  dynamics::Network<double> network;
  const auto x = network.add_layer(
      {.name = "x", .neurons = n, .input = dynamics::constant_current<double>(MatrixXd::Ones(n, 1))});
  const MatrixXd w = tests::normals(n, n, 9) * 0.5 / std::sqrt(static_cast<double>(n));
  network.add_synapse(dynamics::Asymmetric<double>{x, x, dynamics::weights<double>(w)});
  const VectorXd exact = (MatrixXd::Identity(n, n) - w).partialPivLu().solve(VectorXd::Ones(n));
  for (const Index krylov : {3, 24, 100}) {
    const auto result =
        landscape::newton(network, MatrixXd::Zero(n, 1), {.max_iterations = 100, .krylov = krylov});
    CHECK(result.converged[0] == 1);
    CHECK((result.state - exact).norm() < 1e-10);  // tolerance × √n × a condition below 10
  }
}

TEST_CASE("singular Jacobians: the nearest of many fixed points, or none, but finite") {
  const auto line = [](double along) {
    dynamics::Network<double> network;
    const auto x = network.add_layer(
        {.name = "x", .neurons = 2, .input = dynamics::constant_current<double>(MatrixXd{{along}, {1.0}})});
    network.add_synapse(
        dynamics::Symmetric<double>{x, x, dynamics::weights<double>(MatrixXd{{1.0, 0.0}, {0.0, 0.5}})});
    return network;
  };
  // F = (along, 1 − x₂/2).
  const MatrixXd start{{3.0}, {7.0}};
  const auto many = landscape::newton(line(0), start);
  CHECK(many.converged[0] == 1);
  CHECK((many.state - MatrixXd{{3.0}, {2.0}}).norm() < 1e-11);  // tolerance over the singular value 1/2
  const auto none = landscape::newton(line(0.25), start);
  CHECK(none.converged[0] == 0);
  CHECK(none.failures() == 1);
  CHECK(none.state.allFinite());
  CHECK(none.residual[0] >= 0.25 / std::sqrt(2.0));

  // At the bifurcation κ = 1 the root 0 is triple: ‖F‖ falls by (2/3)³ an iteration, and gets there.
  const VectorXd xi = tests::signs().col(0);
  const auto triple = landscape::newton(tests::graded(xi, 1.0), 0.8 * xi);
  CHECK(triple.converged[0] == 1);
  CHECK(triple.state.norm() < 1e-3);  // F = x³/3 is below 1e-12 where x is below 1.5e-4
}

TEST_CASE("Newton's method goes to saddles as well") {
  // Two orthonormal patterns: v = (ξ₁ + ξ₂)/2 is a fixed point for every β, a saddle beyond β = 2.
  const auto network = tests::retrieval(tests::orthonormal(6, 2), 5);
  VectorXd middle = VectorXd::Zero(6);
  middle.head(2).setConstant(0.5);
  const auto result = landscape::newton(network, middle + 0.03 * tests::normals(6, 1, 4));
  CHECK(result.converged[0] == 1);
  CHECK((result.state - middle).norm() < 1e-11);  // tolerance over the singular value β/2 − 1
}

TEST_CASE("Newton's method says what it cannot do") {
  const auto network = tests::model_b(6, 4, 2, 10, 0);
  const MatrixXd start = MatrixXd::Zero(6, 1);
  CHECK_THROWS_AS(landscape::newton(network, MatrixXd::Zero(7, 1)), base::UserError);
  CHECK_THROWS_AS(landscape::newton(network, MatrixXd::Zero(6, 0)), base::UserError);
  CHECK_THROWS_AS(landscape::newton(network, MatrixXd::Constant(6, 1, std::nan(""))), base::UserError);
  CHECK_THROWS_AS(landscape::newton(network, start, {.tolerance = 0}), base::UserError);
  CHECK_THROWS_AS(landscape::newton(network, start, {.max_iterations = -1}), base::UserError);
  CHECK_THROWS_AS(landscape::newton(network, start, {.krylov = 0}), base::UserError);
  CHECK_THROWS_AS(landscape::newton(network, start, {.t = std::nan("")}), base::UserError);
  dynamics::Network<double> binary;
  binary.add_layer({.name = "spins", .neurons = 6, .lagrangian = dynamics::Sign{}});
  try {
    landscape::newton(binary, start);
    FAIL("binary neurons were accepted");
  } catch (const base::UserError& error) {
    CHECK(error.complaint().key == "spins");
    CHECK(error.complaint().remedy.find("asynchronous") != std::string::npos);
  }
}
