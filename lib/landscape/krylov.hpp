#pragma once
// Newton steps of whole batches: one linear system for each column, all sharing their products.

#include <Eigen/Core>
#include <Eigen/Jacobi>
#include <vector>

#include "ecphory/dynamics/field.hpp"

namespace ecphory::landscape {

/// min ‖β e₁ − H y‖ of one column, H (k + 1, k) upper Hessenberg, kept triangular by Givens rotations.
class HessenbergProblem {
 public:
  HessenbergProblem(Eigen::Index most, double beta);

  /// Adds the next column of H, h (size() + 2).
  void add(Eigen::VectorXd h);

  Eigen::Index size() const { return static_cast<Eigen::Index>(rotations_.size()); }
  double residual() const { return std::abs(g_[size()]); }

  /// The y (size()) of at most this length with the smallest residual. Directions that H annihilates are left
  /// out of it.
  Eigen::VectorXd solution(double longest) const;

  /// ‖β e₁ − H y‖.
  double residual(const Eigen::VectorXd& y) const;

 private:
  Eigen::MatrixXd r_;  // H in triangular form
  Eigen::VectorXd g_;  // β e₁, rotated likewise
  std::vector<Eigen::JacobiRotation<double>> rotations_;
};

/// Krylov spaces of (1 − D d(x)) δ = f, one for each column of x and f (rows, columns), as GMRES builds them
/// (Saad & Schultz 1986, SIAM J. Sci. Stat. Comput. 7:856) from δ = 0: until ‖f − (1 − D d) δ‖ ≤ targets[j],
/// or with `most` directions. Columns have the trajectories `ids`, inputs their values of time t (ms). One
/// product of the network's matrices for each direction serves all columns; those that are done drop out when
/// they are half of those at work. Overwrites what `field` has selected.
class KrylovSpaces {
 public:
  KrylovSpaces(dynamics::Field<double>& field, const std::vector<Eigen::Index>& ids, double t,
               const Eigen::MatrixXd& x, const Eigen::MatrixXd& f, const Eigen::VectorXd& targets,
               Eigen::Index most);

  struct Step {
    Eigen::VectorXd delta;
    double predicted;  ///< ‖f − (1 − D d) δ‖
  };

  /// The step of column j that is best among those of at most this length in its space.
  Step step(Eigen::Index column, double longest) const;

 private:
  bool extend(Eigen::Index column, Eigen::VectorXd w);
  Eigen::Map<const Eigen::MatrixXd> directions(Eigen::Index column) const;

  Eigen::Index rows_;
  std::vector<std::vector<double>> bases_;   // of each column: (rows, directions), orthonormal
  std::vector<HessenbergProblem> problems_;  // of each column
};

}  // namespace ecphory::landscape
