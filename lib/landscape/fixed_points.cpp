#include "ecphory/landscape/fixed_points.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/certificate.hpp"
#include "ecphory/dynamics/field.hpp"
#include "ecphory/landscape/jacobian.hpp"
#include "ecphory/landscape/merge.hpp"
#include "ecphory/landscape/relax.hpp"

namespace ecphory::landscape {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

void require(bool holds, const std::string& key, const std::string& problem, const std::string& expected) {
  if (!holds) throw base::UserError({.key = key, .problem = problem, .expected = expected});
}

/// The network without noise, with its inputs and synapses as they are at time t.
dynamics::Network<double> frozen(const dynamics::Network<double>& network, double t) {
  dynamics::Network<double> result;
  for (dynamics::Layer<double> layer : network.layers()) {
    layer.noise = {};
    const auto* const value = layer.input.at(t);
    require(value == nullptr || value->cols() == 1, layer.name, "every trajectory has its own input",
            "one input for all starts");
    layer.input =
        value == nullptr ? dynamics::Input<double>{} : dynamics::constant_current<double>(MatrixXd(*value));
    result.add_layer(std::move(layer));
  }
  for (std::size_t k = 0; k < network.synapses().size(); ++k) {
    if (!network.lifetimes()[k].holds(t)) continue;
    for (const auto& p : dynamics::projections_of(network.synapses()[k])) {
      require(p.w == nullptr || p.w->shape().size() < 3, "weights", "every trajectory has its own",
              "one matrix for all starts");
    }
    result.add_synapse(network.synapses()[k]);
  }
  return result;
}

/// Fixed points and the starts that led there, unordered: point of each start, state and residual of each
/// point.
struct Found {
  std::vector<Index> reached;
  MatrixXd state;
  VectorXd residual;
};

Found find(const dynamics::Network<double>& network, const MatrixXd& starts,
           const FixedPointOptions& options) {
  const Relaxed at =
      options.relax
          ? relaxed(network, starts, *options.relax)
          : Relaxed{.state = starts, .finite = std::vector<char>(static_cast<std::size_t>(starts.cols()), 1)};
  const Groups coarse = merge(at.state, options.merge_distance, at.finite);
  Found found{.reached = std::vector<Index>(at.finite.size(), -1),
              .state = MatrixXd(starts.rows(), 0),
              .residual = VectorXd(0)};
  if (coarse.first.empty()) return found;
  const NewtonResult polished = newton(network, at.state(Eigen::all, coarse.first), options.newton);
  const Groups fine = merge(polished.state, options.merge_distance, polished.converged);
  for (std::size_t j = 0; j < found.reached.size(); ++j) {
    const Index group = coarse.group[j];
    if (group >= 0) found.reached[j] = fine.group[static_cast<std::size_t>(group)];
  }
  found.state = polished.state(Eigen::all, fine.first);
  found.residual = polished.residual(fine.first);
  return found;
}

/// Numbers the points by falling number of starts, then by the first start.
void order(Found& found, std::vector<Index>& basin) {
  const auto points = static_cast<std::size_t>(found.state.cols());
  std::vector<Index> starts(points, 0);
  for (const Index point : found.reached) {
    if (point >= 0) ++starts[static_cast<std::size_t>(point)];
  }
  std::vector<Index> place(points);  // points are in the order of their first start
  std::iota(place.begin(), place.end(), Index{0});
  std::ranges::stable_sort(place, std::greater<>(),
                           [&](Index p) { return starts[static_cast<std::size_t>(p)]; });
  std::vector<Index> number(points);
  for (std::size_t k = 0; k < points; ++k) {
    number[static_cast<std::size_t>(place[k])] = static_cast<Index>(k);
    basin.push_back(starts[static_cast<std::size_t>(place[k])]);
  }
  for (Index& point : found.reached) {
    if (point >= 0) point = number[static_cast<std::size_t>(point)];
  }
  found.state = MatrixXd(found.state(Eigen::all, place));
  found.residual = VectorXd(found.residual(place));
}

MatrixXd first_output(const dynamics::Network<double>& network, const MatrixXd& states) {
  if (states.cols() == 0) return {network.layers().front().neurons, 0};
  dynamics::Field<double> field(network);
  MatrixXd drive(states.rows(), states.cols());
  field.select(std::vector<Index>(static_cast<std::size_t>(states.cols()), 0), 0);
  field.drive({states.data(), states.rows(), states.cols(), states.rows()},
              {drive.data(), drive.rows(), drive.cols(), drive.rows()});
  return field.output(0).matrix();
}

}  // namespace

dynamics::SimulationOptions<double> relaxation(const dynamics::Network<double>& network) {
  base::ensure(network.rows() > 0, "a network that relaxes has a state");
  const VectorXd tau = time_constants(network);
  return {.duration = 200 * tau.maxCoeff(),
          .integrator = {.method = dynamics::Method::exponential_euler},
          .step = tau.minCoeff(),
          .coordinates = dynamics::Coordinates::neuron,
          .convergence = dynamics::Convergence{.bound = 1e-6}};
}

FixedPoints fixed_points(const dynamics::Network<double>& network, const MatrixXd& starts,
                         const FixedPointOptions& options, const std::optional<MatrixXd>& patterns) {
  check(network, options.newton);
  check(options.spectrum);
  require(options.merge_distance > 0 && std::isfinite(options.merge_distance), "merge_distance",
          fmt::format("{} is not allowed", options.merge_distance), "a finite number > 0");
  if (patterns) classify(MatrixXd(network.layers().front().neurons, 0), *patterns, options.criteria);
  check_starts(network, starts);
  const dynamics::Network<double> still = frozen(network, options.newton.t);

  FixedPoints result;
  Found found = find(still, starts, options);
  order(found, result.basin);
  result.reached = std::move(found.reached);
  result.state = std::move(found.state);
  result.residual = std::move(found.residual);
  result.output = first_output(still, result.state);
  const bool energetic = dynamics::certify(still).has_energy && result.count() > 0;
  result.energy = energetic ? dynamics::energies<double>(still, result.state)
                            : VectorXd::Constant(result.count(), std::numeric_limits<double>::quiet_NaN());
  const std::vector<Spectrum> of_points = spectra(still, result.state, options.spectrum);
  result.eigenvalues.resize(std::min(options.spectrum.leading, network.rows()), result.count());
  for (std::size_t k = 0; k < of_points.size(); ++k) {
    result.eigenvalues.col(static_cast<Index>(k)) = of_points[k].leading;
    result.index.push_back(of_points[k].index);
  }
  if (patterns) result.classes = classify(result.output, *patterns, options.criteria);
  return result;
}

}  // namespace ecphory::landscape
