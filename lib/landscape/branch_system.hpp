#pragma once
// The equations of continuation.hpp in the coordinates that steps are made in: y = (x, q), where
// q = p / (high − low).

#include <Eigen/Core>
#include <string>
#include <vector>

#include "ecphory/landscape/continuation.hpp"

namespace ecphory::landscape {

/// A point of a branch with all that steps from it need.
struct ExtendedPoint {
  Eigen::VectorXd y;             ///< (n + 1)
  Eigen::VectorXd tangent;       ///< (n + 1), length 1
  Eigen::VectorXcd eigenvalues;  ///< all n, of the Jacobian of dx/dt, by falling real parts
  double residual = 0;

  /// The number of eigenvalues with real parts > 0.
  Eigen::Index unstable() const;
};

/// What became of Newton's method.
enum class Correction { converged, diverged, left_domain, not_finite };

/// F, its derivatives and Newton's method. Evaluations throw Failure.
class BranchSystem {
 public:
  struct Failure {
    Correction reason;
    std::string message = {};
  };

  BranchSystem(const NetworkAt& network_at, const ContinuationOptions& options, Eigen::Index rows);

  Eigen::Index rows() const { return rows_; }
  double width() const { return width_; }

  /// p at y; an end of the range that it is within rounding of.
  double parameter(const Eigen::VectorXd& y) const;

  /// τ of every row at a parameter, ms.
  Eigen::VectorXd time_constants(double parameter) const;

  /// d(x) − x at y.
  Eigen::VectorXd residual(const Eigen::VectorXd& y) const;

  /// ∂F/∂x at a state and a parameter, (n, n), exact.
  Eigen::MatrixXd slope(const Eigen::VectorXd& x, double parameter) const;

  /// ∂F/∂q at y, by central differences; by one-sided ones where the domain ends.
  Eigen::VectorXd parameter_slope(const Eigen::VectorXd& y) const;

  /// Newton's method from y for F = 0 within the hyperplane through y across `normal`. Counts its steps.
  Eigen::VectorXd correct(Eigen::VectorXd y, const Eigen::VectorXd& normal, int* steps = nullptr) const;

  /// Tangent and eigenvalues at a solution; the tangent on the side of `forward`.
  ExtendedPoint point(Eigen::VectorXd y, const Eigen::VectorXd& forward) const;

  /// The point of the branch at s along the tangent of `from`.
  ExtendedPoint at(const ExtendedPoint& from, double s) const;

 private:
  dynamics::Network<double> network(double parameter) const;
  Eigen::VectorXd drive(const Eigen::VectorXd& x, double parameter) const;

  const NetworkAt& network_at_;
  const ContinuationOptions& options_;
  Eigen::Index rows_;
  double width_;
};

/// The special points of the branch between `from` and the later point `to`, with their arclengths from
/// `from`, in their order. Throws Failure where the branch cannot be evaluated.
std::vector<SpecialPoint> special_points(const BranchSystem& system, const ExtendedPoint& from,
                                         const ExtendedPoint& to);

}  // namespace ecphory::landscape
