#include "ecphory/models/learning_rules.hpp"

#include <Eigen/QR>
#include <array>

#include "ecphory/base/error.hpp"

namespace ecphory::models {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

std::span<const std::string_view> names(LearningRule) {
  static constexpr std::array<std::string_view, 3> kNames = {"hebb", "pseudo_inverse", "storkey"};
  return kNames;
}

namespace {

MatrixXd hebb(const MatrixXd& patterns) {
  MatrixXd w = MatrixXd::Zero(patterns.rows(), patterns.rows());
  w.selfadjointView<Eigen::Lower>().rankUpdate(patterns, 1 / static_cast<double>(patterns.rows()));
  return w.selfadjointView<Eigen::Lower>();
}

/// Ξ Ξ⁺ = Q Qᵀ for an orthonormal basis Q of the patterns' span.
MatrixXd projection(const MatrixXd& patterns) {
  const Eigen::ColPivHouseholderQR<MatrixXd> qr(patterns);
  const MatrixXd q =
      qr.householderQ() * MatrixXd::Identity(patterns.rows(), std::min(qr.rank(), patterns.rows()));
  return q * q.transpose();
}

/// With a = W ξ and b = a − diag(W) ξ, h_ij = b_i − W_ij ξ_j for i ≠ j and h_ii = b_i, so that both h terms
/// together are ξ_i b_j + b_i ξ_j − (ξ_i² + ξ_j²) W_ij off the diagonal, and 2 ξ_i b_i on it.
MatrixXd storkey(const MatrixXd& patterns) {
  const Index n = patterns.rows();
  MatrixXd w = MatrixXd::Zero(n, n);
  for (Index mu = 0; mu < patterns.cols(); ++mu) {
    const VectorXd xi = patterns.col(mu);
    const VectorXd b = w * xi - w.diagonal().cwiseProduct(xi);
    const VectorXd squares = xi.cwiseAbs2();
    MatrixXd change = xi * xi.transpose() - xi * b.transpose() - b * xi.transpose();
    change += squares.asDiagonal() * w + w * squares.asDiagonal();
    change.diagonal() -= 2 * squares.cwiseProduct(w.diagonal());
    w += change / static_cast<double>(n);
  }
  return w;
}

}  // namespace

MatrixXd learned_weights(LearningRule rule, const MatrixXd& patterns, bool self_coupling) {
  MatrixXd w;
  switch (rule) {
    case LearningRule::hebb:
      w = hebb(patterns);
      break;
    case LearningRule::pseudo_inverse:
      w = projection(patterns);
      break;
    case LearningRule::storkey:
      w = storkey(patterns);
      break;
  }
  base::ensure(w.rows() == patterns.rows(), "every learning rule makes weights");
  if (!self_coupling) w.diagonal().setZero();
  return w;
}

}  // namespace ecphory::models
