#include "ecphory/dynamics/event.hpp"

#include <fmt/format.h>

#include "ecphory/base/error.hpp"

namespace ecphory::dynamics {

using compute::Index;

template <class Real>
Event<Real> arrival(const Network<Real>& network, LayerId layer,
                    const Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>& patterns,
                    std::vector<Index> targets, double cosine) {
  const Index neurons = network.layers().at(layer).neurons;
  const auto refuse = [](const std::string& problem, const std::string& expected) {
    throw base::UserError({.key = "arrival", .problem = problem, .expected = expected});
  };
  if (patterns.rows() != neurons) {
    refuse(fmt::format("patterns of {} elements", patterns.rows()),
           fmt::format("{}, one for each neuron", neurons));
  }
  if (!(cosine > 0 && cosine <= 1)) refuse(fmt::format("a cosine of {}", cosine), "a number > 0 and <= 1");
  Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic> directions = patterns;
  for (const Index target : targets) {
    if (target < 0 || target >= patterns.cols()) {
      refuse(fmt::format("there is no pattern {}", target), fmt::format("0 to {}", patterns.cols() - 1));
    }
    if (!(patterns.col(target).norm() > 0))
      refuse(fmt::format("pattern {} is zero", target), "patterns with a length");
    directions.col(target) = patterns.col(target).normalized();
  }
  if (targets.empty()) refuse("there is no target", "one pattern for each trajectory, or one for all");
  const auto distance = std::make_shared<CosineDistance<Real>>();
  distance->first_row = network.first_row(layer);
  distance->lagrangian = network.layers()[layer].lagrangian;
  distance->directions = std::move(directions);
  targets.swap(distance->targets);
  distance->cosine = cosine;
  return {.name = "arrival",
          .value = [distance](Index trajectory, double,
                              std::span<const Real> state) { return (*distance)(trajectory, state); },
          .cosine_distance = distance};
}

template <class Real>
double CosineDistance<Real>::operator()(Index trajectory, std::span<const Real> state) const {
  const Index n = directions.rows();
  Eigen::Matrix<Real, Eigen::Dynamic, 1> g(n);
  gradient<Real>(lagrangian, {state.data() + first_row, n, 1, n}, {g.data(), n, 1, n});
  const double length = static_cast<double>(g.norm());
  return cosine * length - static_cast<double>(g.dot(directions.col(target(trajectory)))) +
         (length > 0 ? 0.0 : 1.0);
}

template struct CosineDistance<float>;
template struct CosineDistance<double>;
template Event<float> arrival<float>(const Network<float>&, LayerId, const Eigen::MatrixXf&,
                                     std::vector<Index>, double);
template Event<double> arrival<double>(const Network<double>&, LayerId, const Eigen::MatrixXd&,
                                       std::vector<Index>, double);

}  // namespace ecphory::dynamics
