#pragma once
// Associative memories that store a matrix of patterns: what models that are networks have in common.

#include <Eigen/Core>
#include <functional>

#include "ecphory/base/random.hpp"
#include "ecphory/dynamics/network.hpp"
#include "ecphory/models/model.hpp"

namespace ecphory::models {

/// A network that stores patterns. Its first layer is the visible one, whose output is compared with them.
struct Memory {
  Model model;
  /// The network of a point of the model's parameters, storing patterns (N, M). What is random in it depends
  /// on the key.
  std::function<dynamics::Network<double>(const base::Point& point, const Eigen::MatrixXd& patterns,
                                          const base::RandomKey& key)>
      build;
  /// Gives the network a cue for each trajectory (N, trajectories) beside the visible layer's state, where
  /// the model takes it as a current; empty where it does not.
  std::function<void(dynamics::Network<double>& network, const Eigen::MatrixXd& patterns,
                     const Eigen::MatrixXd& cues)>
      present = {};
  /// Throws UserError where patterns of so many neurons do not suit the point. Asked with 0 neurons, a number
  /// that does. Empty where any number does.
  std::function<Eigen::Index(const base::Point& point, Eigen::Index neurons)> check = {};
};

/// Random currents into the visible layer of any memory.
struct Fluctuations {
  double noise = 0;          ///< standard deviation that white noise alone would give a neuron
  double current_sigma = 0;  ///< standard deviation of an Ornstein–Uhlenbeck current; 0: none
  double current_tau = 5;    ///< its time constant, ms
};
const base::ParameterTable<Fluctuations>& fluctuations_table();

/// Adds them to a network. The current is a layer behind the others.
void add_fluctuations(dynamics::Network<double>& network, const Fluctuations& fluctuations);

/// States of a network whose visible layer has the states `visible` (N, trajectories): every other layer with
/// τ > 0 has the state to which that drives it.
Eigen::MatrixXd initial_state(const dynamics::Network<double>& network, const Eigen::MatrixXd& visible);

/// Outputs of the visible layer in states of the network, (N, columns).
Eigen::MatrixXd visible_output(const dynamics::Network<double>& network, const Eigen::MatrixXd& states);

/// Cosines of outputs (N, columns) with patterns (N, M): (M, columns); 0 for an output of zeros.
Eigen::MatrixXd overlaps(const Eigen::MatrixXd& patterns, const Eigen::MatrixXd& outputs);

}  // namespace ecphory::models
