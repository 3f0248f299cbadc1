#include "ecphory/landscape/krylov.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <numeric>

namespace ecphory::landscape {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr double kNothing = 1e-14;  // of a length: what rounding alone leaves of it

MatrixXd chosen(const MatrixXd& matrix, const std::vector<Index>& columns) {
  return matrix(Eigen::all, columns);
}

}  // namespace

HessenbergProblem::HessenbergProblem(Index most, double beta)
    : r_(MatrixXd::Zero(most, most)), g_(VectorXd::Zero(most + 1)) {
  g_[0] = beta;
}

void HessenbergProblem::add(VectorXd h) {
  const Index k = size();
  for (Index i = 0; i < k; ++i) h.applyOnTheLeft(i, i + 1, rotations_[static_cast<std::size_t>(i)].adjoint());
  Eigen::JacobiRotation<double> rotation;
  rotation.makeGivens(h[k], h[k + 1]);
  h.applyOnTheLeft(k, k + 1, rotation.adjoint());
  g_.applyOnTheLeft(k, k + 1, rotation.adjoint());
  r_.col(k).head(k + 1) = h.head(k + 1);
  rotations_.push_back(rotation);
}

VectorXd HessenbergProblem::solution(double longest) const {
  const Index k = size();
  const auto r = r_.topLeftCorner(k, k);
  const auto g = g_.head(k);
  VectorXd y = VectorXd::Zero(k);
  if (k == 0) return y;
  const VectorXd pivots = r.diagonal().cwiseAbs();
  if (pivots.minCoeff() > kNothing * pivots.maxCoeff()) {
    y = r.triangularView<Eigen::Upper>().solve(g);
    if (y.norm() <= longest) return y;
  }
  // y(μ) = (RᵀR + μ)⁻¹ Rᵀg with the μ ≥ 0 that makes it as long as it may be.
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(r.transpose() * r);
  const VectorXd& squares = solver.eigenvalues();
  const VectorXd in = solver.eigenvectors().transpose() * (r.transpose() * g);
  const double largest = std::max(squares.maxCoeff(), 0.0);
  const auto at = [&](double mu) -> VectorXd {
    return (squares.array() > kNothing * largest).select(in.array() / (squares.array().max(0) + mu), 0);
  };
  if (largest == 0) return y;
  if (at(0).norm() > longest) {
    double low = std::log(kNothing * kNothing * largest);
    double high = std::log(largest + in.norm() / longest);
    for (int halving = 0; halving < 60; ++halving) {
      const double middle = 0.5 * (low + high);
      (at(std::exp(middle)).norm() > longest ? low : high) = middle;
    }
    return solver.eigenvectors() * at(std::exp(high));
  }
  return solver.eigenvectors() * at(0);
}

double HessenbergProblem::residual(const VectorXd& y) const {
  const Index k = size();
  return std::hypot((g_.head(k) - r_.topLeftCorner(k, k).triangularView<Eigen::Upper>() * y).norm(), g_[k]);
}

KrylovSpaces::KrylovSpaces(dynamics::Field<double>& field, const std::vector<Index>& ids, double t,
                           const MatrixXd& x, const MatrixXd& f, const VectorXd& targets, Index most)
    : rows_(x.rows()) {
  most = std::min(most, rows_);
  for (Index j = 0; j < f.cols(); ++j) {
    const double beta = f.col(j).norm();
    problems_.emplace_back(most, beta);
    const VectorXd direction = f.col(j) / beta;
    bases_.emplace_back(direction.begin(), direction.end());
  }
  std::vector<Index> working;  // columns in the products
  std::vector<char> open(ids.size(), 1);
  MatrixXd states, u, product;
  for (Index k = 0; k < most; ++k) {
    const auto count = static_cast<std::size_t>(std::ranges::count(open, char{1}));
    if (count == 0) return;
    if (working.empty() || 2 * count <= working.size()) {
      working.clear();
      std::vector<Index> trajectories;
      for (std::size_t j = 0; j < open.size(); ++j) {
        if (open[j] == 0) continue;
        working.push_back(static_cast<Index>(j));
        trajectories.push_back(ids[j]);
      }
      states = chosen(x, working);
      u = MatrixXd::Zero(rows_, states.cols());
      product.resize(rows_, states.cols());
      field.select(trajectories, t);
      field.drive({states.data(), rows_, states.cols(), rows_},
                  {product.data(), rows_, product.cols(), rows_});
    }
    for (std::size_t w = 0; w < working.size(); ++w) {
      const auto j = static_cast<std::size_t>(working[w]);
      if (open[j] != 0) u.col(static_cast<Index>(w)) = directions(working[w]).col(k);
    }
    field.drive_tangent({u.data(), rows_, u.cols(), rows_}, {product.data(), rows_, product.cols(), rows_});
    for (std::size_t w = 0; w < working.size(); ++w) {
      const auto j = static_cast<std::size_t>(working[w]);
      if (open[j] == 0) continue;
      const auto at = static_cast<Index>(w);
      if (!extend(working[w], u.col(at) - product.col(at)) || problems_[j].residual() <= targets[working[w]])
        open[j] = 0;
    }
  }
}

Eigen::Map<const MatrixXd> KrylovSpaces::directions(Index column) const {
  const auto& basis = bases_[static_cast<std::size_t>(column)];
  return {basis.data(), rows_, static_cast<Index>(basis.size()) / rows_};
}

/// Arnoldi's step (modified Gram–Schmidt): w becomes the next direction. False when there is none.
bool KrylovSpaces::extend(Index column, VectorXd w) {
  auto& problem = problems_[static_cast<std::size_t>(column)];
  auto& basis = bases_[static_cast<std::size_t>(column)];
  const auto v = directions(column);
  VectorXd h(v.cols() + 1);
  const double length = w.norm();
  for (Index i = 0; i < v.cols(); ++i) {
    h[i] = v.col(i).dot(w);
    w -= h[i] * v.col(i);
  }
  double& rest = h[v.cols()];
  rest = w.norm();
  if (!h.allFinite()) return false;
  const bool more = rest > kNothing * length;
  if (!more) rest = 0;
  problem.add(h);
  if (!more) return false;
  w /= rest;
  basis.insert(basis.end(), w.begin(), w.end());
  return true;
}

KrylovSpaces::Step KrylovSpaces::step(Index column, double longest) const {
  const HessenbergProblem& problem = problems_[static_cast<std::size_t>(column)];
  const VectorXd y = problem.solution(longest);
  return {.delta = directions(column).leftCols(y.size()) * y, .predicted = problem.residual(y)};
}

}  // namespace ecphory::landscape
