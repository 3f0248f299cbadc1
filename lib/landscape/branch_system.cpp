#include "ecphory/landscape/branch_system.hpp"

#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/field.hpp"
#include "ecphory/landscape/jacobian.hpp"

namespace ecphory::landscape {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXcd;
using Eigen::VectorXd;

namespace {

constexpr int kMostNewtonSteps = 12;
constexpr double kEps = std::numeric_limits<double>::epsilon();

/// [∂F/∂x ∂F/∂q; normalᵀ], (n + 1, n + 1).
MatrixXd bordered(const MatrixXd& slope, const VectorXd& parameter_slope, const VectorXd& normal) {
  const Index n = slope.rows();
  MatrixXd matrix(n + 1, n + 1);
  matrix << slope, parameter_slope, normal.transpose();
  return matrix;
}

}  // namespace

Index ExtendedPoint::unstable() const { return (eigenvalues.real().array() > 0).count(); }

BranchSystem::BranchSystem(const NetworkAt& network_at, const ContinuationOptions& options, Index rows)
    : network_at_(network_at), options_(options), rows_(rows), width_(options.high - options.low) {}

double BranchSystem::parameter(const VectorXd& y) const {
  const double p = y[rows_] * width_;
  const auto near = [p](double end) { return std::abs(p - end) <= 4 * kEps * std::abs(end); };
  return near(options_.low) ? options_.low : near(options_.high) ? options_.high : p;
}

VectorXd BranchSystem::time_constants(double parameter) const {
  return landscape::time_constants(network(parameter));
}

dynamics::Network<double> BranchSystem::network(double parameter) const {
  options_.deadline.check();
  try {
    dynamics::Network<double> network = network_at_(parameter);
    if (network.rows() == rows_) return network;
    throw Failure{Correction::left_domain, fmt::format("at the parameter {} the network has {} rows, not {}",
                                                       parameter, network.rows(), rows_)};
  } catch (const base::UserError& error) {
    throw Failure{Correction::left_domain, error.what()};
  }
}

VectorXd BranchSystem::drive(const VectorXd& x, double parameter) const {
  const dynamics::Network<double> network = this->network(parameter);
  dynamics::Field<double> field(network);
  field.select(std::vector<Index>{0}, 0);
  VectorXd d(rows_);
  field.drive({x.data(), rows_, 1, rows_}, {d.data(), rows_, 1, rows_});
  if (!d.allFinite()) throw Failure{Correction::not_finite};
  return d;
}

VectorXd BranchSystem::residual(const VectorXd& y) const {
  if (!y.allFinite()) throw Failure{Correction::not_finite};
  const VectorXd x = y.head(rows_);
  return drive(x, parameter(y)) - x;
}

MatrixXd BranchSystem::slope(const VectorXd& x, double parameter) const {
  if (!x.allFinite()) throw Failure{Correction::not_finite};
  const dynamics::Network<double> network = this->network(parameter);
  MatrixXd result = landscape::time_constants(network).asDiagonal() * jacobian(network, x);
  if (!result.allFinite()) throw Failure{Correction::not_finite};
  return result;
}

VectorXd BranchSystem::parameter_slope(const VectorXd& y) const {
  const VectorXd x = y.head(rows_);
  const double p = parameter(y);
  // Truncation h² and rounding eps / h are the same size, near 4e-11, on the scale on which the drive
  // changes.
  const double h = std::cbrt(kEps) * std::max(std::abs(p), 1e-3 * width_);
  const auto at = [&](double steps) { return drive(x, p + steps * h); };
  const auto one_sided = [&](double side) -> VectorXd {
    return side * (-1.5 * at(0) + 2 * at(side) - 0.5 * at(2 * side)) / h * width_;
  };
  VectorXd above;
  try {
    above = at(1);
  } catch (const Failure&) {
    return one_sided(-1);
  }
  VectorXd below;
  try {
    below = at(-1);
  } catch (const Failure&) {
    return one_sided(1);
  }
  return (above - below) / (2 * h) * width_;
}

VectorXd BranchSystem::correct(VectorXd y, const VectorXd& normal, int* steps) const {
  const double scale = std::max(1.0, y.head(rows_).norm());
  for (int k = 0;; ++k) {
    const VectorXd f = residual(y);
    if (steps != nullptr) *steps = k;
    if (f.norm() <= 4 * kEps * scale) return y;
    if (k == kMostNewtonSteps) throw Failure{Correction::diverged};
    VectorXd right = VectorXd::Zero(rows_ + 1);
    right.head(rows_) = -f;
    const VectorXd step =
        bordered(slope(y.head(rows_), parameter(y)), parameter_slope(y), normal).partialPivLu().solve(right);
    // A singular matrix gives a step that is not finite, or too long.
    if (!step.allFinite() || !(step.norm() < 1e3 * scale)) throw Failure{Correction::diverged};
    y += step;
    if (step.norm() <= options_.tolerance * scale) {
      if (!y.allFinite()) throw Failure{Correction::not_finite};
      return y;
    }
  }
}

ExtendedPoint BranchSystem::point(VectorXd y, const VectorXd& forward) const {
  const MatrixXd f_x = slope(y.head(rows_), parameter(y));
  VectorXd tangent =
      bordered(f_x, parameter_slope(y), forward).partialPivLu().solve(VectorXd::Unit(rows_ + 1, rows_));
  if (!tangent.allFinite() || !(tangent.norm() > 0)) throw Failure{Correction::diverged};
  tangent.normalize();
  const Eigen::EigenSolver<MatrixXd> solver(time_constants(parameter(y)).cwiseInverse().asDiagonal() * f_x,
                                            false);
  if (solver.info() != Eigen::Success) throw Failure{Correction::diverged};
  VectorXcd eigenvalues = solver.eigenvalues();
  std::stable_sort(eigenvalues.begin(), eigenvalues.end(),
                   [](const auto& a, const auto& b) { return a.real() > b.real(); });
  const double size = residual(y).cwiseAbs().maxCoeff();
  return {std::move(y), std::move(tangent), std::move(eigenvalues), size};
}

ExtendedPoint BranchSystem::at(const ExtendedPoint& from, double s) const {
  return point(correct(from.y + s * from.tangent, from.tangent), from.tangent);
}

}  // namespace ecphory::landscape
