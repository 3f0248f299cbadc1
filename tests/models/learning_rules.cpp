#include "ecphory/models/learning_rules.hpp"

#include <doctest/doctest.h>

#include "ecphory/tasks/patterns.hpp"

using namespace ecphory;
using namespace ecphory::models;
using Eigen::Index;
using Eigen::MatrixXd;

namespace {

MatrixXd signs(Index n, Index m) { return tasks::draw_patterns({.neurons = n, .patterns = m}, {.seed = 5}); }

/// Storkey's rule element by element, as it is written in the paper.
MatrixXd storkey_by_elements(const MatrixXd& patterns) {
  const Index n = patterns.rows();
  MatrixXd w = MatrixXd::Zero(n, n);
  for (Index mu = 0; mu < patterns.cols(); ++mu) {
    const auto xi = patterns.col(mu);
    const auto h = [&](Index i, Index j) {
      double sum = 0;
      for (Index k = 0; k < n; ++k) {
        if (k != i && k != j) sum += w(i, k) * xi[k];
      }
      return sum;
    };
    MatrixXd change(n, n);
    for (Index i = 0; i < n; ++i) {
      for (Index j = 0; j < n; ++j)
        change(i, j) = (xi[i] * xi[j] - xi[i] * h(j, i) - h(i, j) * xi[j]) / static_cast<double>(n);
    }
    w += change;
  }
  return w;
}

}  // namespace

TEST_CASE("Hebb's rule is the mean outer product") {
  const MatrixXd xi = signs(12, 4);
  const MatrixXd w = learned_weights(LearningRule::hebb, xi, true);
  CHECK((w - xi * xi.transpose() / 12).cwiseAbs().maxCoeff() < 1e-15);
  CHECK(learned_weights(LearningRule::hebb, xi, false).diagonal().isZero(0));
}

TEST_CASE("the pseudo-inverse projects on the patterns, dependent ones too") {
  MatrixXd xi = signs(20, 8);
  xi.col(7) = -xi.col(2);
  const MatrixXd w = learned_weights(LearningRule::pseudo_inverse, xi, true);
  CHECK((w * xi - xi).cwiseAbs().maxCoeff() < 1e-13);
  CHECK((w - w.transpose()).cwiseAbs().maxCoeff() < 1e-14);
  CHECK(w.trace() == doctest::Approx(7));  // the rank of the projection
}

TEST_CASE("Storkey's rule in matrices is the rule by elements") {
  const MatrixXd xi = signs(15, 6);
  const MatrixXd w = learned_weights(LearningRule::storkey, xi, true);
  CHECK((w - storkey_by_elements(xi)).cwiseAbs().maxCoeff() < 1e-14);
  CHECK((w - w.transpose()).cwiseAbs().maxCoeff() < 1e-14);
}

TEST_CASE("at a load where Hebb's rule forgets, Storkey's holds more and the pseudo-inverse all") {
  // 40 patterns of 100 neurons: load 0.4; published orders of capacity N/(2 ln N) < N/√(2 ln N) < N (Storkey
  // 1997).
  const MatrixXd xi = signs(100, 40);
  const auto stable = [&](LearningRule rule) {
    const MatrixXd fields = learned_weights(rule, xi, false) * xi;
    return (fields.array() * xi.array() > 0).cast<double>().mean();
  };
  CHECK(stable(LearningRule::hebb) < 0.97);
  CHECK(stable(LearningRule::storkey) > stable(LearningRule::hebb) + 0.01);
  CHECK(stable(LearningRule::pseudo_inverse) == 1);
}
