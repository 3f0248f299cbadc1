#include "ecphory/landscape/continuation.hpp"

#include <Eigen/SVD>
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/landscape/branch_system.hpp"

namespace ecphory::landscape {

using base::UserError;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using Failure = BranchSystem::Failure;

std::span<const std::string_view> names(BranchEnd) {
  static constexpr std::array<std::string_view, 6> kNames = {"range_end", "point_limit", "step_too_small",
                                                             "closed",    "left_domain", "not_finite"};
  return kNames;
}

std::span<const std::string_view> names(SpecialKind) {
  static constexpr std::array<std::string_view, 5> kNames = {"fold", "pitchfork", "transcritical",
                                                             "branch_point", "hopf"};
  return kNames;
}

namespace {

/// Cosine of the angle between tangents at the ends of a step, at least.
constexpr double kLeastCosine = 0.9;

void refuse(const std::string& key, const std::string& problem, const std::string& expected,
            const std::string& remedy = "") {
  throw UserError({.key = key, .problem = problem, .expected = expected, .remedy = remedy});
}

void check(const ContinuationOptions& o) {
  if (o.direction != 1 && o.direction != -1)
    refuse("direction", fmt::format("{} is not allowed", o.direction), "1 or -1");
  if (!std::isfinite(o.low) || !std::isfinite(o.high) || !(o.low < o.high)) {
    refuse("low, high", fmt::format("{} to {} is no range", o.low, o.high),
           "finite numbers, the first smaller than the second");
  }
  const auto require_positive = [](const char* key, double value) {
    if (!(value > 0) || !std::isfinite(value))
      refuse(key, fmt::format("{} is not allowed", value), "a finite number > 0");
  };
  require_positive("smallest_step", o.smallest_step);
  require_positive("tolerance", o.tolerance);
  if (!(o.initial_step >= o.smallest_step && o.largest_step >= o.initial_step) ||
      !std::isfinite(o.largest_step)) {
    refuse("initial_step",
           fmt::format("{} is not between smallest_step {} and largest_step {}", o.initial_step,
                       o.smallest_step, o.largest_step),
           "smallest_step <= initial_step <= largest_step");
  }
  if (o.max_points < 1)
    refuse("max_points", fmt::format("{} is not allowed", o.max_points), "a whole number >= 1");
  if (o.eigenvalues < 1)
    refuse("eigenvalues", fmt::format("{} is not allowed", o.eigenvalues), "a whole number >= 1");
}

/// The last right singular vectors, `columns` of them, of [∂F/∂x ∂F/∂q].
MatrixXd null_space(const BranchSystem& system, const VectorXd& y, Index columns) {
  const Index n = system.rows();
  MatrixXd slopes(n, n + 1);
  slopes << system.slope(y.head(n), system.parameter(y)), system.parameter_slope(y);
  return Eigen::BDCSVD<MatrixXd>(slopes, Eigen::ComputeFullV).matrixV().rightCols(columns);
}

std::string in_words(const Failure& failure) {
  switch (failure.reason) {
    case Correction::left_domain:
      return failure.message;
    case Correction::not_finite:
      return "the drive becomes NaN or infinite";
    default:
      return "Newton's method does not converge from it";
  }
}

/// One branch as it is followed.
class Walk {
 public:
  Walk(const BranchSystem& system, const ContinuationOptions& options) : system_(system), options_(options) {}

  Branch run(const VectorXd& start, double parameter) {
    begin(start, parameter);
    double step = options_.initial_step;
    while (!ended_) {
      if (static_cast<std::int64_t>(branch_.points.size()) >= options_.max_points) {
        end(BranchEnd::point_limit);
        break;
      }
      if (leaves_range(current_.y)) {
        end(BranchEnd::range_end);
        break;
      }
      try {
        const int newton_steps = advance(step);
        if (newton_steps <= 3) step = std::min(1.5 * step, options_.largest_step);
        if (newton_steps >= 6) step = std::max(0.5 * step, options_.smallest_step);
      } catch (const Failure& failure) {
        step /= 2;
        if (step < options_.smallest_step) end(failure);
      }
    }
    return std::move(branch_);
  }

 private:
  /// A step's end, before it is taken.
  struct Candidate {
    ExtendedPoint point;
    int newton_steps = 0;
    std::optional<BranchEnd> end = {};
  };

  void begin(const VectorXd& start, double parameter) {
    const Index n = system_.rows();
    VectorXd y(n + 1);
    y << start, parameter / system_.width();
    try {
      y = system_.correct(y, VectorXd::Unit(n + 1, n));
    } catch (const Failure& failure) {
      refuse("start", "no fixed point is found near it: " + in_words(failure),
             fmt::format("a state near a fixed point of the network at the parameter {}", parameter),
             "let simulate() run from it until it converges, and start from where it ends");
    }
    try {
      VectorXd tangent = null_space(system_, y, 1);
      if (tangent[n] * options_.direction < 0) tangent = -tangent;
      first_ = system_.point(y, tangent);
    } catch (const Failure& failure) {
      refuse("start", "the branch has no single tangent in it: " + in_words(failure),
             "a fixed point that is no branch point", "start at a parameter beside it");
    }
    current_ = first_;
    record(0);
  }

  void record(double arclength) {
    const Index kept = std::min(options_.eigenvalues, system_.rows());
    branch_.points.push_back({.parameter = system_.parameter(current_.y),
                              .state = current_.y.head(system_.rows()),
                              .arclength = arclength,
                              .eigenvalues = current_.eigenvalues.head(kept),
                              .unstable = current_.unstable(),
                              .residual = current_.residual});
  }

  void end(BranchEnd reason) {
    branch_.end = reason;
    ended_ = true;
  }

  void end(const Failure& failure) {
    branch_.message = failure.message;
    end(failure.reason == Correction::left_domain  ? BranchEnd::left_domain
        : failure.reason == Correction::not_finite ? BranchEnd::not_finite
                                                   : BranchEnd::step_too_small);
  }

  /// Whether the branch stands at an end of the range and leads out of it.
  bool leaves_range(const VectorXd& y) const {
    const double slope = current_.tangent[system_.rows()];
    return (system_.parameter(y) >= options_.high && slope > 0) ||
           (system_.parameter(y) <= options_.low && slope < 0);
  }

  /// The corrected point a step ahead, or at the end of the range, if that comes first.
  Candidate candidate(double step) const {
    const Index n = system_.rows();
    const VectorXd& t = current_.tangent;
    VectorXd predicted = current_.y + step * t;
    Candidate result;
    VectorXd normal = t;
    if (const double p = predicted[n] * system_.width(); p >= options_.high || p <= options_.low) {
      const double bound = (p >= options_.high ? options_.high : options_.low) / system_.width();
      predicted = current_.y + (bound - current_.y[n]) / t[n] * t;
      predicted[n] = bound;
      normal = VectorXd::Unit(n + 1, n);
      result.end = BranchEnd::range_end;
    }
    const VectorXd y = system_.correct(predicted, normal, &result.newton_steps);
    const double p = system_.parameter(y);
    // A correction as long as the step may lead to another branch.
    const bool near = (y - predicted).norm() <= 0.5 * step && (y - current_.y).dot(t) > 0;
    if (!near || p > options_.high || p < options_.low) throw Failure{Correction::diverged};
    result.point = system_.point(y, t);
    if (result.point.tangent.dot(t) < kLeastCosine) throw Failure{Correction::diverged};
    return result;
  }

  /// The start, if the branch comes back to it in the step to `point`.
  bool closes(const ExtendedPoint& point) const {
    const VectorXd back = first_.y - current_.y;
    const double length = (point.y - current_.y).dot(current_.tangent);
    const double s = back.dot(current_.tangent);
    if (branch_.points.size() < 4 || !(s > 0 && s <= length)) return false;
    if ((back - s * current_.tangent).norm() > 0.5 * length) return false;
    if (first_.tangent.dot(current_.tangent) < kLeastCosine) return false;
    return (system_.at(current_, s).y - first_.y).norm() <= 1e-6 * length;
  }

  /// Takes a step and the special points in it. Returns Newton's steps.
  int advance(double step) {
    Candidate next = candidate(step);
    if (closes(next.point)) {
      next.point = first_;
      next.end = BranchEnd::closed;
    }
    const double arclength = branch_.points.back().arclength;
    for (SpecialPoint& special : special_points(system_, current_, next.point)) {
      special.arclength += arclength;
      branch_.special.push_back(std::move(special));
    }
    const double length = (next.point.y - current_.y).norm();
    current_ = std::move(next.point);
    record(arclength + length);
    if (next.end) end(*next.end);
    return next.newton_steps;
  }

  const BranchSystem& system_;
  const ContinuationOptions& options_;
  ExtendedPoint first_;
  ExtendedPoint current_;
  Branch branch_;
  bool ended_ = false;
};

}  // namespace

Branch continue_branch(const NetworkAt& network_at, const VectorXd& start, double parameter,
                       const ContinuationOptions& options) {
  check(options);
  if (!(parameter >= options.low && parameter <= options.high)) {
    refuse("parameter", fmt::format("{} is outside the range", parameter),
           fmt::format("a number from {} to {}", options.low, options.high),
           std::isnan(parameter) ? "give the parameter at which the start is a fixed point"
                                 : fmt::format("start at {}, or widen the range",
                                               std::clamp(parameter, options.low, options.high)));
  }
  const Index rows = network_at(parameter).rows();
  if (rows == 0) {
    refuse("network", "no layer has a time constant > 0", "at least one",
           "give the layer that is to be followed a tau");
  }
  if (start.size() != rows || !start.allFinite()) {
    refuse("start", fmt::format("{} numbers{}", start.size(), start.allFinite() ? "" : ", not all finite"),
           fmt::format("{} finite numbers, the rows of the network's state", rows));
  }
  return Walk(BranchSystem(network_at, options, rows), options).run(start, parameter);
}

std::vector<BranchStart> switch_branch(const NetworkAt& network_at, const SpecialPoint& point,
                                       const ContinuationOptions& options) {
  check(options);
  if (point.kind == SpecialKind::fold || point.kind == SpecialKind::hopf) {
    refuse("point", "no other branch of fixed points leaves a " + base::name_of(point.kind) + " point",
           "a pitchfork, transcritical or branch point",
           point.kind == SpecialKind::fold ? "continue_branch() goes around a fold"
                                           : "simulate() beside it shows the oscillation");
  }
  const Index n = point.state.size();
  const BranchSystem system(network_at, options, n);
  VectorXd y(n + 1);
  y << point.state, point.parameter / system.width();
  // Across the branch within the null space of F's derivative lie the tangents of the others.
  const Index across = point.null_vectors.cols();
  MatrixXd null = null_space(system, y, across + 1);
  null -= point.tangent * (point.tangent.transpose() * null);
  const MatrixXd basis = Eigen::BDCSVD<MatrixXd>(null, Eigen::ComputeThinU).matrixU().leftCols(across);
  std::vector<VectorXd> directions;
  for (Index i = 0; i < across; ++i) {
    directions.emplace_back(basis.col(i));
    for (Index j = 0; j < i; ++j) {
      directions.emplace_back((basis.col(i) + basis.col(j)).normalized());
      directions.emplace_back((basis.col(i) - basis.col(j)).normalized());
    }
  }
  std::vector<BranchStart> starts;
  std::vector<VectorXd> found;
  for (const VectorXd& direction : directions) {
    for (const double side : {1.0, -1.0}) {
      for (double step = options.initial_step; step >= options.smallest_step; step /= 4) {
        try {
          const VectorXd there = system.correct(y + side * step * direction, direction);
          if ((there - y).norm() > 4 * step) continue;
          const bool again = std::ranges::any_of(
              found, [&](const VectorXd& other) { return (other - there).norm() < 0.01 * step; });
          if (!again) {
            found.push_back(there);
            starts.push_back({.state = there.head(n),
                              .parameter = system.parameter(there),
                              .direction = there[n] < y[n] ? -1 : 1});
          }
          break;
        } catch (const Failure&) {
          continue;
        }
      }
    }
  }
  if (starts.empty()) {
    refuse("point", "no other branch is found beside it", "a branch point of this network",
           "change initial_step");
  }
  return starts;
}

}  // namespace ecphory::landscape
