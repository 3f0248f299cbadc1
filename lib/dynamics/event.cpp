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
  return {.name = "arrival",
          .value = [first = network.first_row(layer), lagrangian = network.layers()[layer].lagrangian,
                    directions = std::move(directions), targets = std::move(targets),
                    cosine](Index trajectory, double, std::span<const Real> state) {
            const Index target =
                targets.size() == 1 ? targets[0] : targets[static_cast<std::size_t>(trajectory)];
            const Index n = directions.rows();
            Eigen::Matrix<Real, Eigen::Dynamic, 1> g(n);
            gradient<Real>(lagrangian, {state.data() + first, n, 1, n}, {g.data(), n, 1, n});
            const double length = static_cast<double>(g.norm());
            return cosine * length - static_cast<double>(g.dot(directions.col(target))) +
                   (length > 0 ? 0.0 : 1.0);
          }};
}

template Event<float> arrival<float>(const Network<float>&, LayerId, const Eigen::MatrixXf&,
                                     std::vector<Index>, double);
template Event<double> arrival<double>(const Network<double>&, LayerId, const Eigen::MatrixXd&,
                                       std::vector<Index>, double);

}  // namespace ecphory::dynamics
