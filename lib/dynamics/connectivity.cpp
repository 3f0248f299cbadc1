#include "ecphory/dynamics/connectivity.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ecphory/base/error.hpp"

namespace ecphory::dynamics {

template <class Real>
void check_connected(const Network<Real>& network) {
  std::vector<bool> joined(network.layers().size(), network.layers().size() == 1);
  std::vector<bool> driven(network.layers().size(), false);
  for (const Synapse<Real>& synapse : network.synapses()) {
    for (const Projection<Real>& p : projections_of(synapse)) {
      driven[p.post] = true;
      for (const LayerId pre : p.pre) {
        if (pre != p.post) joined[pre] = joined[p.post] = true;
      }
    }
  }
  for (LayerId id = 0; id < network.layers().size(); ++id) {
    const Layer<Real>& layer = network.layers()[id];
    if (!joined[id]) {
      throw base::UserError({.key = layer.name,
                             .problem = "no synapse joins this layer to another",
                             .expected = "a path between the layers of a network",
                             .remedy = "add a synapse, or simulate the layer as a network of its own"});
    }
    if (layer.tau == 0 && !driven[id] && layer.input.times.empty()) {
      throw base::UserError({.key = layer.name,
                             .problem = "nothing drives this instantaneous layer",
                             .expected = "a synapse that leads to it, or an input current",
                             .remedy = "add one, or give the layer a time constant > 0"});
    }
  }
}

template <class Real>
void require_path(const Network<Real>& network, LayerId input, LayerId output) {
  base::ensure(input < network.layers().size() && output < network.layers().size(),
               "a path leads from layer to layer of its network");
  std::vector<bool> reached(network.layers().size(), false);
  std::vector<LayerId> open = {input};
  while (!open.empty()) {
    const LayerId from = open.back();
    open.pop_back();
    for (const Synapse<Real>& synapse : network.synapses()) {
      for (const Projection<Real>& p : projections_of(synapse)) {
        if (reached[p.post] || std::ranges::find(p.pre, from) == p.pre.end()) continue;
        reached[p.post] = true;
        open.push_back(p.post);
      }
    }
  }
  if (reached[output]) return;
  std::vector<std::string> names;
  for (LayerId id = 0; id < reached.size(); ++id) {
    if (reached[id]) names.push_back(network.layers()[id].name);
  }
  throw base::UserError(
      {.key = network.layers()[output].name,
       .problem = fmt::format("no path leads here from {}, which reaches {}", network.layers()[input].name,
                              names.empty() ? "no layer" : fmt::format("{}", fmt::join(names, ", "))),
       .expected = "a chain of synapses from input to output",
       .remedy = "add the synapse that is missing, or turn round one that leads the other way"});
}

template void check_connected<float>(const Network<float>&);
template void check_connected<double>(const Network<double>&);
template void require_path<float>(const Network<float>&, LayerId, LayerId);
template void require_path<double>(const Network<double>&, LayerId, LayerId);

}  // namespace ecphory::dynamics
