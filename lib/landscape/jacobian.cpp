#include "ecphory/landscape/jacobian.hpp"

#include <fmt/format.h>

#include "ecphory/base/error.hpp"
#include "ecphory/dynamics/field.hpp"

namespace ecphory::landscape {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

VectorXd time_constants(const dynamics::Network<double>& network) {
  VectorXd tau(network.rows());
  for (dynamics::LayerId id = 0; id < network.layers().size(); ++id) {
    const auto& layer = network.layers()[id];
    if (layer.tau == 0) continue;
    auto rows = tau.segment(network.first_row(id), layer.neurons);
    if (layer.tau_of_neuron.empty()) {
      rows.setConstant(layer.tau);
    } else {
      rows = Eigen::Map<const VectorXd>(layer.tau_of_neuron.data(), layer.neurons);
    }
  }
  return tau;
}

MatrixXd jacobian(const dynamics::Network<double>& network, const VectorXd& x, double t) {
  const Index n = network.rows();
  if (x.size() != n || !x.allFinite()) {
    throw base::UserError(
        {.key = "state",
         .problem = fmt::format("{} numbers{}", x.size(), x.allFinite() ? "" : ", not all finite"),
         .expected = fmt::format("{} finite numbers, the rows of the network's state", n)});
  }
  // One column for each direction, all at the same state.
  const MatrixXd states = x.replicate(1, n);
  const MatrixXd directions = MatrixXd::Identity(n, n);
  MatrixXd result(n, n);
  dynamics::Field<double> field(network);
  field.select(std::vector<Index>(static_cast<std::size_t>(n), 0), t);
  field.drive({states.data(), n, n, n}, {result.data(), n, n, n});
  field.drive_tangent({directions.data(), n, n, n}, {result.data(), n, n, n});
  result.diagonal().array() -= 1;
  return time_constants(network).cwiseInverse().asDiagonal() * result;
}

}  // namespace ecphory::landscape
