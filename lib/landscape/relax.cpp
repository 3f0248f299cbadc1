#include "ecphory/landscape/relax.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/exception_slot.hpp"
#include "ecphory/compute/blas.hpp"
#include "ecphory/compute/gemm.hpp"
#include "ecphory/dynamics/field.hpp"
#include "ecphory/landscape/jacobian.hpp"

namespace ecphory::landscape {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr Index kColumns = 20 * compute::kGemmColumns;  // at work at a time
constexpr Index kChunk = 5 * kColumns;                  // starts that one thread takes on

bool goes_the_short_way(const dynamics::SimulationOptions<double>& o) {
  return o.integrator.method == dynamics::Method::exponential_euler && o.convergence &&
         o.convergence->hold <= 0 && o.events.empty() && o.recorder == nullptr && o.record_times.empty() &&
         o.coordinates == dynamics::Coordinates::neuron;
}

/// Exponential Euler, x ← x + γ (d − x) with γ = 1 − exp(−dt/τ), of the starts first … first + count − 1.
void relax_chunk(const dynamics::Network<double>& network, const VectorXd& gamma,
                 const dynamics::SimulationOptions<double>& options, Index first, Index count,
                 const MatrixXd& starts, Relaxed& result) {
  const Index n = starts.rows();
  const auto most_steps = std::min(
      options.max_steps, static_cast<std::int64_t>(std::ceil(options.duration / options.step - 1e-9)));
  const double bound = options.convergence->bound * std::sqrt(static_cast<double>(n));
  MatrixXd x = MatrixXd::Zero(n, kColumns);
  MatrixXd d(n, kColumns);
  std::vector<Index> start(static_cast<std::size_t>(kColumns));  // of the columns
  std::vector<std::int64_t> steps(start.size());
  Index next = first;
  const auto load = [&](Index column) {
    x.col(column) = starts.col(next);
    steps[static_cast<std::size_t>(column)] = 0;
    start[static_cast<std::size_t>(column)] = next++;
  };
  Index live = std::min(count, kColumns);
  for (Index j = 0; j < live; ++j) load(j);

  dynamics::Field<double> field(network);
  Index width = 0;
  VectorXd rate(n);
  while (live > 0) {
    options.deadline.check();
    const Index needed = (live + compute::kGemmColumns - 1) / compute::kGemmColumns * compute::kGemmColumns;
    if (needed != width) {
      width = needed;
      field.select(std::vector<Index>(static_cast<std::size_t>(width), 0), 0);
    }
    field.drive({x.data(), n, width, n}, {d.data(), n, width, n});
    for (Index j = 0; j < live;) {
      const auto at = static_cast<std::size_t>(j);
      rate = d.col(j) - x.col(j);
      const double length = rate.norm();
      const bool finite = std::isfinite(length);
      if (finite && length > bound && steps[at] < most_steps) {
        x.col(j) += gamma.cwiseProduct(rate);
        ++steps[at];
        ++j;
        continue;
      }
      result.state.col(start[at]) = x.col(j);
      result.finite[static_cast<std::size_t>(start[at])] = finite ? 1 : 0;
      if (next < first + count) {
        load(j);
        ++j;
        continue;
      }
      --live;  // the last column takes its place
      x.col(j) = x.col(live);
      d.col(j) = d.col(live);
      start[at] = start[static_cast<std::size_t>(live)];
      steps[at] = steps[static_cast<std::size_t>(live)];
      x.col(live).setZero();
    }
  }
}

}  // namespace

Relaxed relaxed(const dynamics::Network<double>& network, const MatrixXd& starts,
                const dynamics::SimulationOptions<double>& options) {
  Relaxed result{.state = {}, .finite = std::vector<char>(static_cast<std::size_t>(starts.cols()), 1)};
  if (!goes_the_short_way(options)) {
    auto run = dynamics::simulate<double>(network, starts, options);
    for (std::size_t j = 0; j < run.status.size(); ++j)
      result.finite[j] = run.status[j] == dynamics::Status::not_finite ? 0 : 1;
    result.state = std::move(run.state);
    return result;
  }
  dynamics::check(network, options);
  base::ensure(starts.rows() == network.rows(), "starts have the network's rows");
  result.state.resize(starts.rows(), starts.cols());
  const VectorXd gamma =
      time_constants(network).unaryExpr([&](double tau) { return -std::expm1(-options.step / tau); });
  const compute::SingleThreadedBlas one_blas_thread;
  const Index chunks = (starts.cols() + kChunk - 1) / kChunk;
  base::ExceptionSlot exception;
#pragma omp parallel for schedule(dynamic) if (chunks > 1)
  for (Index c = 0; c < chunks; ++c) {
    exception.run([&] {
      relax_chunk(network, gamma, options, c * kChunk, std::min(kChunk, starts.cols() - c * kChunk), starts,
                  result);
    });
  }
  exception.rethrow();
  return result;
}

}  // namespace ecphory::landscape
