#pragma once
// Branches of fixed points of a network in one real parameter, by pseudo-arclength continuation (Keller 1977,
// in: Applications of Bifurcation Theory; Allgower & Georg 1990, Numerical Continuation Methods).
//
// A branch is a curve F(x, p) = d_p(x) − x = 0, where d_p(x) is the drive at the parameter p, so that
// T dx/dt = F. Along it, folds, branch points and Hopf points are found and located. Inputs have their values
// of t = 0; noise is left out.

#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ecphory/base/deadline.hpp"
#include "ecphory/base/named_enum.hpp"
#include "ecphory/dynamics/network.hpp"

namespace ecphory::landscape {

/// The network at a parameter: the same layers at all of them, its drive a smooth function of it. Throws
/// UserError for a parameter outside its domain, which ends a branch.
using NetworkAt = std::function<dynamics::Network<double>(double parameter)>;

/// Steps are arclengths √(‖Δx‖² + (Δp / (high − low))²): the parameter counts in units of its range.
struct ContinuationOptions {
  int direction = 1;  ///< 1: the parameter grows at the start; −1: it falls
  double low = 0;     ///< range of the parameter
  double high = 1;
  double initial_step = 0.01;
  double smallest_step = 1e-7;
  double largest_step = 0.05;  ///< raise it for states with many neurons, whose lengths are large
  std::int64_t max_points = 2000;
  double tolerance = 1e-10;       ///< of Newton's last step, in units of max(1, ‖x‖)
  Eigen::Index eigenvalues = 10;  ///< how many of each point are kept, largest real parts first
  base::Deadline deadline = {};
};

/// How a branch ended.
enum class BranchEnd : std::uint8_t {
  range_end,       ///< the parameter reached an end of its range
  point_limit,     ///< raise max_points or largest_step
  step_too_small,  ///< Newton does not converge within any step: the drive is not smooth there, or lower
                   ///< smallest_step
  closed,          ///< it came back to its start, which is its last point again
  left_domain,     ///< there is no network for parameters beyond, or for states beyond: see the message
  not_finite,      ///< NaN or infinite
};
std::span<const std::string_view> names(BranchEnd);

enum class SpecialKind : std::uint8_t {
  fold,           ///< the branch turns back in the parameter: two fixed points meet
  pitchfork,      ///< two branches that are each other's mirror images, to leading order, leave to one side
  transcritical,  ///< another branch crosses
  branch_point,   ///< other branches leave, of a kind that is not told: several eigenvalues are 0, say
  hopf,           ///< a pair of eigenvalues crosses the imaginary axis: an oscillation begins
};
std::span<const std::string_view> names(SpecialKind);

struct BranchPoint {
  double parameter = 0;
  Eigen::VectorXd state;         ///< (rows)
  double arclength = 0;          ///< from the start
  Eigen::VectorXcd eigenvalues;  ///< of the Jacobian of dx/dt, 1/ms, by falling real parts
  Eigen::Index unstable = 0;     ///< eigenvalues with real parts > 0, of all
  double residual = 0;           ///< largest element of |d(x) − x|
};

struct SpecialPoint {
  SpecialKind kind = SpecialKind::branch_point;
  double parameter = 0;
  Eigen::VectorXd state;         ///< (rows)
  double arclength = 0;          ///< from the start of the branch
  Eigen::VectorXd tangent;       ///< (rows + 1): of the branch, the parameter in units of its range last
  Eigen::MatrixXd null_vectors;  ///< (rows, eigenvalues that are 0), orthonormal; of a Hopf point (rows, 2):
                                 ///< real and imaginary part of the eigenvector
  /// Of the normal form α̇ = cα² (transcritical, fold) or α̇ = cα³ (pitchfork: supercritical when c < 0) at
  /// x + α · null_vectors, 1/ms; NaN for other kinds.
  double coefficient = std::numeric_limits<double>::quiet_NaN();
  double frequency = 0;  ///< of a Hopf point, rad/ms
};

struct Branch {
  std::vector<BranchPoint> points;    ///< the start first
  std::vector<SpecialPoint> special;  ///< by arclength
  BranchEnd end = BranchEnd::range_end;
  std::string message = {};  ///< what network_at() said, when the branch left its domain
};

/// Follows the branch of fixed points through the one that Newton's method finds from `start` at `parameter`.
/// Special points are located to about 1e-10 of a step; a pair of them within one step that undo each other
/// is not seen: lower largest_step. Each point takes products of the network's matrices with rows columns,
/// and the eigenvalues of a dense matrix of its rows. Throws UserError for options out of range, a parameter
/// outside the range or the domain, and a start from which Newton's method does not converge.
Branch continue_branch(const NetworkAt& network_at, const Eigen::VectorXd& start, double parameter,
                       const ContinuationOptions& options);

/// Where to start continue_branch() on another branch, and in which direction it leads away.
struct BranchStart {
  Eigen::VectorXd state;
  double parameter = 0;
  int direction = 1;
};

/// Points on the branches that leave a branch point, other than the one that it was found on: a step of
/// initial_step from it along null vectors across the branch, corrected (Keller 1977). The two sides of one
/// branch are two of them. Throws UserError for a fold or Hopf point, from which no other branch of fixed
/// points leaves, and when no step can be corrected.
std::vector<BranchStart> switch_branch(const NetworkAt& network_at, const SpecialPoint& point,
                                       const ContinuationOptions& options);

}  // namespace ecphory::landscape
