#include "ecphory/dynamics/ornstein_uhlenbeck.hpp"

#include <cmath>

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/base/random.hpp"

namespace ecphory::dynamics {

template <class Real>
LayerId add_ornstein_uhlenbeck(Network<Real>& network, LayerId target, const OrnsteinUhlenbeck& current) {
  const Layer<Real>& driven = network.layers().at(target);
  if (!(current.tau > 0) || !std::isfinite(current.tau) || !(current.sigma >= 0) ||
      !std::isfinite(current.sigma)) {
    throw base::UserError(
        {.key = driven.name + " current",
         .problem = fmt::format("tau = {} ms and sigma = {} are not allowed", current.tau, current.sigma),
         .expected = "tau > 0 and sigma >= 0, both finite"});
  }
  const LayerId layer = network.add_layer({.name = driven.name + " current",
                                           .neurons = driven.neurons,
                                           .tau = current.tau,
                                           .noise = {.additive = current.sigma}});
  network.add_synapse(Relay<Real>{layer, target});
  return layer;
}

Eigen::MatrixXd stationary(double sigma, compute::Index rows, compute::Index trajectories,
                           const base::RandomKey& key) {
  Eigen::MatrixXd values(rows, trajectories);
  base::RandomStream(key, base::Purpose("dynamics.current"))
      .normals(0, std::span(values.data(), static_cast<std::size_t>(values.size())));
  return sigma * values;
}

template LayerId add_ornstein_uhlenbeck<float>(Network<float>&, LayerId, const OrnsteinUhlenbeck&);
template LayerId add_ornstein_uhlenbeck<double>(Network<double>&, LayerId, const OrnsteinUhlenbeck&);

}  // namespace ecphory::dynamics
