#include "ecphory/landscape/newton.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/exception_slot.hpp"
#include "ecphory/compute/blas.hpp"
#include "ecphory/compute/gemm.hpp"
#include "ecphory/landscape/krylov.hpp"

namespace ecphory::landscape {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr Index kBlock = 10 * compute::kGemmColumns;
constexpr int kReductions = 20;        // of a step that does not lower ‖F‖, each to a quarter
constexpr double kDecrease = 1e-4;     // of ‖F‖, in parts of what the linear model promises
constexpr double kMostForcing = 0.01;  // linear residual asked for, in parts of ‖F‖
constexpr double kLongestStep = 10;    // in parts of the larger of ‖x‖ and ‖F‖

void refuse(const std::string& key, const std::string& problem, const std::string& expected,
            const std::string& remedy = "") {
  throw base::UserError({.key = key, .problem = problem, .expected = expected, .remedy = remedy});
}

/// Newton's method for some of the columns of a result, by one thread.
class Block {
 public:
  Block(const dynamics::Network<double>& network, const NewtonOptions& options, NewtonResult& result)
      : options_(options),
        field_(network),
        result_(result),
        root_(std::sqrt(static_cast<double>(network.rows()))) {}

  void solve(Index first, Index count) {
    std::vector<Index> columns(static_cast<std::size_t>(count));
    std::iota(columns.begin(), columns.end(), first);
    x_ = result_.state.middleCols(first, count);
    f_ = residual(columns, x_);
    forcing_ = VectorXd::Constant(count, kMostForcing);
    radius_ = kLongestStep * x_.colwise().norm().cwiseMax(f_.colwise().norm()).transpose();
    note(columns);
    keep(columns, [&](std::size_t j) { return open(columns[j]); });
    for (int iteration = 0; iteration < options_.max_iterations && !columns.empty(); ++iteration) {
      const VectorXd before = f_.colwise().norm().transpose();
      // No finer than what is asked of F itself.
      const VectorXd targets =
          forcing_.cwiseProduct(before).cwiseMax(0.1 * options_.tolerance * root_).cwiseMin(0.5 * before);
      const std::vector<char> moved =
          move(columns, KrylovSpaces(field_, columns, options_.t, x_, f_, targets, options_.krylov));
      for (std::size_t j = 0; j < columns.size(); ++j) {
        const double fall = f_.col(static_cast<Index>(j)).norm() / before[static_cast<Index>(j)];
        forcing_[static_cast<Index>(j)] = std::min(kMostForcing, 0.9 * fall * fall);
        if (moved[j] != 0) ++result_.iterations[static_cast<std::size_t>(columns[j])];
      }
      note(columns);
      keep(columns, [&](std::size_t j) { return moved[j] != 0 && open(columns[j]); });
    }
  }

 private:
  /// F = d(x) − x of columns that are these trajectories.
  MatrixXd residual(const std::vector<Index>& columns, const MatrixXd& x) {
    MatrixXd f(x.rows(), x.cols());
    field_.select(columns, options_.t);
    field_.drive({x.data(), x.rows(), x.cols(), x.rows()}, {f.data(), f.rows(), f.cols(), f.rows()});
    f -= x;
    return f;
  }

  bool open(Index column) const {
    const auto at = static_cast<std::size_t>(column);
    return result_.converged[at] == 0 && std::isfinite(result_.residual[column]);
  }

  /// Writes the present columns to the result.
  void note(const std::vector<Index>& columns) {
    for (std::size_t j = 0; j < columns.size(); ++j) {
      const auto at = static_cast<Index>(j);
      const double size = x_.col(at).norm() / root_;
      result_.state.col(columns[j]) = x_.col(at);
      result_.residual[columns[j]] = f_.col(at).norm() / root_;
      result_.converged[static_cast<std::size_t>(columns[j])] =
          result_.residual[columns[j]] <= options_.tolerance * std::max(1.0, size) ? 1 : 0;
    }
  }

  /// Drops the columns for which `kept` is false.
  template <class Kept>
  void keep(std::vector<Index>& columns, const Kept& kept) {
    std::vector<Index> places;
    for (std::size_t j = 0; j < columns.size(); ++j) {
      if (kept(j)) places.push_back(static_cast<Index>(j));
    }
    if (places.size() == columns.size()) return;
    std::vector<Index> fewer;
    for (const Index j : places) fewer.push_back(columns[static_cast<std::size_t>(j)]);
    columns = std::move(fewer);
    x_ = MatrixXd(x_(Eigen::all, places));
    f_ = MatrixXd(f_(Eigen::all, places));
    forcing_ = VectorXd(forcing_(places));
    radius_ = VectorXd(radius_(places));
  }

  /// Moves every column by the best step within its trust region, which shrinks until the step lowers ‖F‖.
  /// Says which have moved.
  std::vector<char> move(const std::vector<Index>& columns, const KrylovSpaces& spaces) {
    std::vector<char> moved(columns.size(), 0);
    std::vector<Index> waiting(columns.size());
    std::iota(waiting.begin(), waiting.end(), Index{0});
    for (int reduction = 0; reduction <= kReductions && !waiting.empty(); ++reduction) {
      std::vector<Index> trajectories;
      std::vector<KrylovSpaces::Step> steps;
      MatrixXd x = x_(Eigen::all, waiting);
      for (std::size_t k = 0; k < waiting.size(); ++k) {
        trajectories.push_back(columns[static_cast<std::size_t>(waiting[k])]);
        steps.push_back(spaces.step(waiting[k], radius_[waiting[k]]));
        x.col(static_cast<Index>(k)) += steps[k].delta;
      }
      const MatrixXd f = residual(trajectories, x);
      std::vector<Index> still;
      for (std::size_t k = 0; k < waiting.size(); ++k) {
        const Index j = waiting[k];
        const auto at = static_cast<Index>(k);
        const double before = f_.col(j).norm();
        const double fall = before - f.col(at).norm();
        const double promised = before - steps[k].predicted;
        const double length = steps[k].delta.norm();
        if (promised > 0 && fall >= kDecrease * promised) {
          x_.col(j) = x.col(at);
          f_.col(j) = f.col(at);
          moved[static_cast<std::size_t>(j)] = 1;
          if (fall > 0.75 * promised) radius_[j] = std::max(radius_[j], 2 * length);
          if (fall < 0.25 * promised) radius_[j] = 0.5 * length;
        } else {
          radius_[j] = 0.25 * std::min(radius_[j], length);
          if (radius_[j] > 0) still.push_back(j);
        }
      }
      waiting = std::move(still);
    }
    return moved;
  }

  const NewtonOptions& options_;
  dynamics::Field<double> field_;
  NewtonResult& result_;
  double root_;  // √rows
  // Of the columns at work:
  MatrixXd x_, f_;    // (rows, columns) states and F
  VectorXd forcing_;  // linear residual asked for, in parts of ‖F‖
  VectorXd radius_;   // of the trust region
};

}  // namespace

Index NewtonResult::failures() const { return std::ranges::count(converged, char{0}); }

void check(const dynamics::Network<double>& network, const NewtonOptions& options) {
  const auto require = [](bool holds, const std::string& key, auto value, const std::string& expected) {
    if (!holds) refuse(key, fmt::format("{} is not allowed", value), expected);
  };
  require(options.tolerance > 0 && std::isfinite(options.tolerance), "newton.tolerance", options.tolerance,
          "a finite number > 0");
  require(options.max_iterations >= 0, "newton.max_iterations", options.max_iterations,
          "a whole number >= 0");
  require(options.krylov >= 1, "newton.krylov", options.krylov, "a whole number >= 1");
  require(std::isfinite(options.t), "newton.t", options.t, "a finite time, ms");
  if (network.rows() == 0) {
    refuse("network", "no layer has a time constant > 0", "at least one",
           "give the layer whose fixed points are asked for a tau");
  }
  for (const auto& layer : network.layers()) {
    if (!std::holds_alternative<dynamics::Sign>(layer.lagrangian)) continue;
    refuse(layer.name, "its neurons are binary: their output jumps, and Newton's method needs its slope",
           "layers whose Lagrangian is not sign",
           "simulate with the method synchronous or asynchronous until nothing changes, or use tanh with a "
           "large gain");
  }
}

void check_starts(const dynamics::Network<double>& network, const MatrixXd& starts) {
  if (starts.rows() != network.rows() || starts.cols() < 1) {
    refuse("starts", fmt::format("{} x {}", starts.rows(), starts.cols()),
           fmt::format("{} rows, those of the network's state, and at least one column", network.rows()));
  }
  if (!starts.allFinite()) refuse("starts", "they are not finite", "finite numbers");
  for (const auto& layer : network.layers())
    dynamics::validate(layer.input, layer.name, layer.neurons, starts.cols());
  for (const auto& synapse : network.synapses()) {
    for (const auto& p : dynamics::projections_of(synapse)) {
      if (p.w != nullptr && p.w->shape().size() == 3 && p.w->shape()[2] != starts.cols()) {
        refuse("weights", fmt::format("weights for {} trajectories", p.w->shape()[2]),
               fmt::format("one matrix for each of {} starts", starts.cols()));
      }
    }
  }
}

NewtonResult newton(const dynamics::Network<double>& network, const MatrixXd& starts,
                    const NewtonOptions& options) {
  check(network, options);
  check_starts(network, starts);
  const auto count = static_cast<std::size_t>(starts.cols());
  NewtonResult result{.state = starts,
                      .residual = VectorXd::Constant(starts.cols(), std::numeric_limits<double>::quiet_NaN()),
                      .iterations = std::vector<int>(count, 0),
                      .converged = std::vector<char>(count, 0)};
  const compute::SingleThreadedBlas one_blas_thread;
  const Index blocks = (starts.cols() + kBlock - 1) / kBlock;
  base::ExceptionSlot exception;
#pragma omp parallel for schedule(dynamic) if (blocks > 1)
  for (Index b = 0; b < blocks; ++b) {
    exception.run([&] {
      Block(network, options, result).solve(b * kBlock, std::min(kBlock, starts.cols() - b * kBlock));
    });
  }
  exception.rethrow();
  return result;
}

}  // namespace ecphory::landscape
