#include "ecphory/models/memory.hpp"

#include "ecphory/dynamics/field.hpp"
#include "ecphory/dynamics/ornstein_uhlenbeck.hpp"

namespace ecphory::models {

using Eigen::Index;
using Eigen::MatrixXd;

const base::ParameterTable<Fluctuations>& fluctuations_table() {
  using F = Fluctuations;
  static const auto table =
      base::ParameterTable<F>("model")
          .add("noise", &F::noise, "1",
               "white noise of the visible neurons: the standard deviation that it alone would give them",
               base::at_least(0))
          .add("current_sigma", &F::current_sigma, "1",
               "standard deviation of an Ornstein-Uhlenbeck current into the visible neurons; 0 is none",
               base::at_least(0))
          .add("current_tau", &F::current_tau, "ms", "time constant of that current", base::above(0));
  return table;
}

void add_fluctuations(dynamics::Network<double>& network, const Fluctuations& f) {
  if (f.noise > 0) network.set_noise(0, {.additive = f.noise});
  if (f.current_sigma > 0) {
    dynamics::add_ornstein_uhlenbeck<double>(network, 0, {.tau = f.current_tau, .sigma = f.current_sigma});
  }
}

MatrixXd initial_state(const dynamics::Network<double>& network, const MatrixXd& visible) {
  base::ensure(visible.rows() == network.layers().front().neurons, "the visible layer is the first");
  MatrixXd state = MatrixXd::Zero(network.rows(), visible.cols());
  state.topRows(visible.rows()) = visible;
  if (network.rows() == visible.rows()) return state;
  dynamics::Field<double> field(network);
  std::vector<Index> ids(static_cast<std::size_t>(visible.cols()));
  for (std::size_t j = 0; j < ids.size(); ++j) ids[j] = static_cast<Index>(j);
  field.select(ids, 0);
  MatrixXd drive(state.rows(), state.cols());
  field.drive({state.data(), state.rows(), state.cols(), state.rows()},
              {drive.data(), drive.rows(), drive.cols(), drive.rows()});
  state.bottomRows(state.rows() - visible.rows()) = drive.bottomRows(state.rows() - visible.rows());
  return state;
}

MatrixXd visible_output(const dynamics::Network<double>& network, const MatrixXd& states) {
  const dynamics::Layer<double>& layer = network.layers().front();
  MatrixXd output(layer.neurons, states.cols());
  dynamics::gradient<double>(layer.lagrangian, {states.data(), layer.neurons, states.cols(), states.rows()},
                             {output.data(), layer.neurons, states.cols(), layer.neurons});
  return output;
}

MatrixXd overlaps(const MatrixXd& patterns, const MatrixXd& outputs) {
  MatrixXd cosines = patterns.transpose() * outputs;
  for (Index mu = 0; mu < patterns.cols(); ++mu) cosines.row(mu) /= patterns.col(mu).norm();
  for (Index j = 0; j < outputs.cols(); ++j) {
    const double length = outputs.col(j).norm();
    cosines.col(j) *= length > 0 ? 1 / length : 0.0;
  }
  return cosines;
}

}  // namespace ecphory::models
