#include "heads.hpp"

#include <cmath>

#include "ecphory/bridge/lifted_head.hpp"
#include "ecphory/landscape/fixed_points.hpp"
#include "ecphory/landscape/merge.hpp"
#include "ecphory/landscape/relax.hpp"

#include "checkpoint.hpp"

namespace ecphory::experiments::icl {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

/// Where a head's flow leads from the token that asks and from each of its values.
struct Rest {
  VectorXd state;         ///< from the token that asks
  double points = 0;      ///< different ends
  double with_query = 0;  ///< share of the values that end where the token that asks does
};

Rest rest_of(const bridge::LiftedHead& head) {
  const dynamics::Network<double> network = bridge::network_of(head, 1);
  MatrixXd starts(head.keys.rows(), 1 + head.tokens);
  starts << head.state, head.values;
  // A flow that rotates comes to rest where steps as long as its time constant may circle.
  dynamics::SimulationOptions<double> options = landscape::relaxation(network);
  options.step = 0.1;
  const landscape::Relaxed relaxed = landscape::relaxed(network, starts, options);
  // Ends are one within a hundredth of the values' size.
  const double size = std::sqrt(head.values.squaredNorm() / static_cast<double>(head.values.size()));
  const landscape::Groups groups = landscape::merge(relaxed.state, 0.01 * size, relaxed.finite);
  const auto together = std::ranges::count(groups.group, groups.group.front()) - 1;
  return {relaxed.state.col(0), static_cast<double>(groups.first.size()),
          static_cast<double>(together) / static_cast<double>(head.tokens)};
}

Index most_attended(const bridge::LiftedHead& head, const VectorXd& x) {
  Index most = 0;
  (head.keys.transpose() * x + head.bias.col(0)).maxCoeff(&most);
  return most;
}

/// The readings of one head in one sequence.
std::vector<double> read_head(const bridge::LiftedHead& head) {
  const bridge::HeadCertificate certificate = bridge::certify(head, 0);
  const Rest rest = rest_of(head);
  const VectorXd before = head.state.col(0);
  return {bridge::effective_beta(head, 0),
          certificate.scale,
          certificate.untied,
          certificate.antisymmetric,
          certificate.rotation,
          head.output.norm() / before.norm(),
          bridge::nearest_energy(head, 0, before),
          bridge::nearest_energy(head, 0, head.output.col(0)),
          rest.points,
          rest.with_query,
          (rest.state - head.output.col(0)).norm() / head.output.norm(),
          most_attended(head, rest.state) == most_attended(head, before) ? 1.0 : 0.0};
}

}  // namespace

const std::vector<HeadReading>& head_readings() {
  static const std::vector<HeadReading> readings = {
      {"effective_beta",
       "beta of the head with keys and values, less their means, of root mean square length 1"},
      {"tie_scale", "scale of the keys that is nearest to the values"},
      {"untied",
       "part of the values that is not the keys times that; 0: there is an energy in the state's metric"},
      {"antisymmetric", "antisymmetric part of W_Q^T W_K, of its norm"},
      {"rotation", "antisymmetric part of the flow's Jacobian at the token that asks, of its norm"},
      {"layer_drift", "length of what the head writes, of that of its token"},
      {"energy_before", "energy of the nearest head that has one, at the token that asks"},
      {"energy_after", "the same, at what the head writes: after the leaky step without end"},
      {"fixed_points", "different ends from the token that asks and from each value"},
      {"basin", "share of the values that end where the token that asks does"},
      {"settling", "distance of the end from the head's own output, of the output's length"},
      {"same_token", "share of sequences in which the end attends most to the token that the head does"},
  };
  return readings;
}

HeadReader::HeadReader(const models::IclTransformerShape& shape, const tasks::GaussianMixtureParameters& task,
                       const base::RandomKey& key, std::int64_t sequences)
    : shape_(shape),
      tokens_(sequences_of({.shape = shape, .task = task, .key = key}, tasks::TestSet::in_context, 0,
                           sequences)) {}

std::vector<double> HeadReader::read(const std::vector<double>& weights) const {
  const compute::TensorLayout layout = shape_.layout();
  const compute::Tensors<const double> tensors{&layout, {weights.data(), layout.size(), 1, layout.size()}};
  const compute::View<const double> tokens{tokens_.data(), tokens_.rows(), tokens_.cols(), tokens_.rows()};
  std::vector<double> all;
  for (Index layer = 1; layer <= shape_.stack.layers; ++layer) {
    for (Index head = 1; head <= shape_.stack.heads; ++head) {
      const bridge::LiftedHead lifted = bridge::lift(shape_.stack, tensors, tokens, layer, head);
      std::vector<double> mean(head_readings().size(), 0.0);
      for (Index s = 0; s < lifted.sequences; ++s) {
        const std::vector<double> one = read_head(bridge::only(lifted, s));
        for (std::size_t i = 0; i < mean.size(); ++i)
          mean[i] += one[i] / static_cast<double>(lifted.sequences);
      }
      all.insert(all.end(), mean.begin(), mean.end());
    }
  }
  return all;
}

}  // namespace ecphory::experiments::icl
