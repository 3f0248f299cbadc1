#include "ecphory/landscape/merge.hpp"

#include <cmath>
#include <limits>
#include <map>

#include "ecphory/base/error.hpp"
#include "ecphory/base/random.hpp"
#include "ecphory/compute/gemm.hpp"

namespace ecphory::landscape {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

/// Projections of the states on a few unit vectors, (directions, n). The first sorts; the others rule out.
MatrixXd projections_of(const MatrixXd& states) {
  constexpr Index kDirections = 4;
  MatrixXd directions(states.rows(), kDirections);
  base::RandomStream({}, base::Purpose("landscape.merge"))
      .normals(0, std::span(directions.data(), static_cast<std::size_t>(directions.size())));
  directions.colwise().normalize();
  MatrixXd projections(kDirections, states.cols());
  compute::gemm<double>(compute::Transpose::yes, compute::Transpose::no, 1,
                        {directions.data(), states.rows(), kDirections, states.rows()},
                        {states.data(), states.rows(), states.cols(), states.rows()}, 0,
                        {projections.data(), kDirections, states.cols(), kDirections});
  return projections;
}

}  // namespace

Groups merge(const MatrixXd& states, double distance, const std::vector<char>& takes_part) {
  base::ensure(static_cast<Index>(takes_part.size()) == states.cols(), "every state takes part or does not");
  const double radius = distance * std::sqrt(static_cast<double>(states.rows()));
  const MatrixXd projections = projections_of(states);
  // Projections round: a little more than the radius is searched.
  const double reach =
      radius + 1e-12 * projections.array().isFinite().select(projections.array().abs(), 0).maxCoeff();
  Groups groups{.group = std::vector<Index>(takes_part.size(), -1), .first = {}};
  std::multimap<double, Index> founders;  // group, by the first projection of its founder
  for (Index j = 0; j < states.cols(); ++j) {
    if (takes_part[static_cast<std::size_t>(j)] == 0 || !projections.col(j).allFinite()) continue;
    Index nearest = -1;
    double least = radius;
    const auto end = founders.upper_bound(projections(0, j) + reach);
    for (auto it = founders.lower_bound(projections(0, j) - reach); it != end; ++it) {
      const Index founder = groups.first[static_cast<std::size_t>(it->second)];
      if ((projections.col(j) - projections.col(founder)).cwiseAbs().maxCoeff() > reach) continue;
      const double apart = (states.col(j) - states.col(founder)).norm();
      if (apart <= least && (apart < least || nearest < 0)) {
        least = apart;
        nearest = it->second;
      }
    }
    if (nearest < 0) {
      nearest = static_cast<Index>(groups.first.size());
      groups.first.push_back(j);
      founders.emplace(projections(0, j), nearest);
    }
    groups.group[static_cast<std::size_t>(j)] = nearest;
  }
  return groups;
}

}  // namespace ecphory::landscape
