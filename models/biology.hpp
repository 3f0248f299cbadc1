#pragma once
// What biology adds to any memory: neurons of different speed, missing synapses, Dale's law and lesions.

#include <span>
#include <string_view>

#include "ecphory/base/parameters.hpp"
#include "ecphory/base/random.hpp"
#include "ecphory/dynamics/network.hpp"

namespace ecphory::models {

/// Which neurons a lesion takes.
enum class LesionSite { all, visible, others };
std::span<const std::string_view> names(LesionSite);

struct Biology {
  double tau_spread =
      0;  ///< standard deviation of ln τ over the neurons of a layer; their mean τ is the layer's
  double connectivity = 1;    ///< fraction of the synapses that is there; the others grow by 1/connectivity
  bool dale = false;          ///< every neuron excites or inhibits; weights of the other sign are 0
  double inhibitory = 0.2;    ///< with dale: fraction of the neurons that inhibit
  double lesion_neurons = 0;  ///< fraction of the neurons of a layer that falls silent
  LesionSite lesion_site = LesionSite::others;
  double lesion_synapses = 0;  ///< fraction of the synapses that is lost, without compensation
  double lesion_at = 0;        ///< ms, when the lesions happen
};
const base::ParameterTable<Biology>& biology_table();

/// The network with all of that, drawn from the key. Weights of two layers are thinned in both directions at
/// once; Dale's law makes a symmetric synapse two asymmetric ones. Matrices of which less than a quarter is
/// left are stored sparse. A silent neuron keeps its state but drives nothing; in a layer that normalises
/// (softmax, entmax) it leaves the competition. Throws UserError where something is asked of a hypersynapse
/// or of weights that differ between trajectories.
dynamics::Network<double> with_biology(const dynamics::Network<double>& network, const Biology& biology,
                                       const base::RandomKey& key);

}  // namespace ecphory::models
