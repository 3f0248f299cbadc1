// Ramsauer et al. (2021), "Hopfield networks is all you need", arXiv 2008.02217.

#include <Eigen/Eigenvalues>

#include <doctest/doctest.h>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/simulate.hpp"
#include "ecphory/landscape/jacobian.hpp"
#include "ecphory/models/modern_theory.hpp"
#include "ecphory/tasks/patterns.hpp"

#include "models/points.hpp"

using namespace ecphory;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

/// `steps` updates of ξ ← Ξ softmax(β Ξᵀ ξ), by the simulator.
MatrixXd updated(double beta, const MatrixXd& patterns, const MatrixXd& states, int steps) {
  const base::Point point = tests::point_of("modern", {{"model.beta", beta}});
  dynamics::SimulationOptions<double> options;
  options.duration = steps;
  options.step = 1;
  options.integrator.method = dynamics::Method::synchronous;
  return dynamics::simulate<double>(models::memory_of(point).build(point, patterns, {}), states, options)
      .state;
}

MatrixXd on_sphere(Index d, Index m, double radius, std::uint64_t seed) {
  return radius * tasks::draw_patterns({.neurons = d, .patterns = m, .kind = tasks::PatternKind::spherical},
                                       {.seed = seed});
}

}  // namespace

TEST_CASE("constants of the exponential capacity (Theorem 3)") {
  CHECK(models::storage_base(1, 3, 20, 0.001) == doctest::Approx(3.1546).epsilon(2e-5));
  CHECK(models::storage_base(1, 1, 75, 0.001) == doctest::Approx(1.3718).epsilon(1e-4));
  CHECK_THROWS_AS(models::storage_base(1, 0.3, 20, 0.001), base::UserError);
  CHECK_THROWS_AS(models::storage_base(0, 1, 20, 0.001), base::UserError);
  CHECK_THROWS_AS(models::storage_base(1, 1, 20, 0), base::UserError);
}

TEST_CASE("errors of one update and of the fixed point stay below their bounds (Theorems 4 and 5)") {
  int tight = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    const double beta = 0.5 + 0.05 * static_cast<double>(seed);
    const MatrixXd patterns = on_sphere(20, 6, 3 * std::sqrt(19.0), seed);
    const MatrixXd noise = on_sphere(20, 6, 1e-3, 100 + seed);
    const MatrixXd states = patterns + noise;
    const MatrixXd fixed_points = updated(beta, patterns, patterns, 50);
    const MatrixXd once = updated(beta, patterns, states, 1);
    for (Index i = 0; i < 6; ++i) {
      const VectorXd fixed = fixed_points.col(i);
      const double one =
          models::one_update_factor(beta, patterns, i, states.col(i), fixed) * (states.col(i) - fixed).norm();
      const double far = models::retrieval_error_bound(beta, patterns, i, states.col(i), fixed);
      // Rounding of vectors of length 13.
      constexpr double kRounding = 1e-13;
      CHECK((once.col(i) - fixed).norm() <= one + kRounding);
      CHECK((patterns.col(i) - fixed).norm() <= far + kRounding);
      tight += far < 1 ? 1 : 0;
    }
  }
  CHECK(tight > 60);  // bounds that say something
}

TEST_CASE("bounds of weakly separated patterns are not empty either") {
  // At small β the error is visible, and still below the bound: within four orders of it.
  const MatrixXd patterns = on_sphere(40, 4, std::sqrt(39.0), 3);
  const double beta = 0.5;
  const MatrixXd fixed_points = updated(beta, patterns, patterns, 200);
  for (Index i = 0; i < 4; ++i) {
    const double error = (patterns.col(i) - fixed_points.col(i)).norm();
    const double bound =
        models::retrieval_error_bound(beta, patterns, i, patterns.col(i), fixed_points.col(i));
    CHECK(error > 1e-8);
    CHECK(error <= bound);
    CHECK(bound < 1e4 * error);
    const VectorXd state = fixed_points.col(i) + on_sphere(40, 4, 0.01, 5).col(i);
    const double moved = (updated(beta, patterns, state, 1) - fixed_points.col(i)).norm();
    const double most = models::one_update_factor(beta, patterns, i, state, fixed_points.col(i)) *
                        (state - fixed_points.col(i)).norm();
    CHECK(moved <= most);
    CHECK(most < 1000 * moved);
  }
}

TEST_CASE("one fixed point only where beta m_max^2 < 1") {
  const MatrixXd patterns = on_sphere(15, 5, 1, 7);
  const double edge = 1 / models::contraction(1, patterns);
  const MatrixXd starts = 5 * on_sphere(15, 50, 1, 8);
  const MatrixXd below = updated(0.95 * edge, patterns, starts, 2000);
  CHECK((below.colwise() - below.col(0)).cwiseAbs().maxCoeff() < 1e-10);
  const base::Point point = tests::point_of("modern", {{"model.beta", 0.95 * edge}, {"model.tau", 1.0}});
  const auto network = models::memory_of(point).build(point, patterns, {});
  for (Index j = 0; j < 5; ++j) {  // ‖Jacobian of the update‖ ≤ β m_max²; J of the flow is that minus 1
    const MatrixXd update = landscape::jacobian(network, starts.col(j)) + MatrixXd::Identity(15, 15);
    CHECK(update.operatorNorm() <= 0.95);
  }
  const MatrixXd above = updated(20 * edge, patterns, patterns, 2000);
  CHECK((above.colwise() - above.col(0)).colwise().norm().tail(4).minCoeff() > 0.1);
}
