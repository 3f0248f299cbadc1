#include "ecphory/models/biology.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "ecphory/base/error.hpp"

namespace ecphory::models {

using dynamics::LayerId;
using dynamics::Network;
using Eigen::Index;
using Eigen::MatrixXd;

std::span<const std::string_view> names(LesionSite) {
  static constexpr std::array<std::string_view, 3> kNames = {"all", "visible", "others"};
  return kNames;
}

const base::ParameterTable<Biology>& biology_table() {
  using B = Biology;
  static const auto table =
      base::ParameterTable<B>("model")
          .add("tau_spread", &B::tau_spread, "1",
               "spread of the neurons' time constants: standard deviation of their logarithm, at the same "
               "mean",
               base::between(0, 10))
          .add("connectivity", &B::connectivity, "1",
               "fraction of the synapses that is there; the others are stronger",
               {.low = 0, .high = 1, .low_excluded = true})
          .add("dale", &B::dale, "1",
               "Dale's law: every neuron excites or inhibits, weights of the other sign are 0")
          .add("inhibitory", &B::inhibitory, "1", "fraction of the neurons that inhibit", base::between(0, 1))
          .when("model.dale")
          .add("lesion_neurons", &B::lesion_neurons, "1",
               "fraction of the neurons of a layer that falls silent", base::between(0, 1))
          .add("lesion_site", &B::lesion_site, "1",
               "which neurons: of all layers, the visible one, or the others")
          .when("model.lesion_neurons > 0")
          .add("lesion_synapses", &B::lesion_synapses, "1", "fraction of the synapses that is lost",
               base::between(0, 1))
          .add("lesion_at", &B::lesion_at, "ms", "when the lesions happen", base::at_least(0))
          .when("model.lesion_neurons > 0 or model.lesion_synapses > 0");
  return table;
}

namespace {

/// W (neurons of post, neurons of pre), and whether Wᵀ drives the way back.
struct Matrix {
  LayerId pre;
  LayerId post;
  MatrixXd w;
  bool symmetric;
};

MatrixXd dense_of(const dynamics::Weights<double>& w) {
  if (w->shape().size() == 2) return w->matrix();
  throw base::UserError({.key = "model.connectivity",
                         .problem = "the weights of this memory differ between trajectories",
                         .expected = "one matrix for all",
                         .remedy = "leave connectivity, dale and lesions at their defaults"});
}

/// Every matrix of a synapse.
std::vector<Matrix> matrices_of(const dynamics::Synapse<double>& synapse, const Network<double>& network) {
  if (const auto* const s = std::get_if<dynamics::Symmetric<double>>(&synapse))
    return {{s->b, s->a, dense_of(s->w), true}};
  if (const auto* const s = std::get_if<dynamics::Asymmetric<double>>(&synapse))
    return {{s->pre, s->post, dense_of(s->w), false}};
  if (const auto* const s = std::get_if<dynamics::KeyValue<double>>(&synapse)) {
    if (dynamics::has_energy(synapse)) return {{s->memory, s->query, dense_of(s->keys), true}};
    return {{s->query, s->memory, dense_of(s->keys).transpose(), false},
            {s->memory, s->output, dense_of(s->values), false}};
  }
  if (const auto* const s = std::get_if<dynamics::Sparse<double>>(&synapse))
    return {{s->pre, s->post, MatrixXd(*s->w), s->symmetric}};
  if (const auto* const s = std::get_if<dynamics::Relay<double>>(&synapse)) {
    const Index n = network.layers()[s->pre].neurons;
    return {{s->pre, s->post, s->gain * MatrixXd::Identity(n, n), false}};
  }
  throw base::UserError({.key = "model.connectivity",
                         .problem = "this memory has synapses that are not matrices",
                         .expected = "connectivity 1, no Dale's law and no lesions",
                         .remedy = "leave these keys at their defaults"});
}

/// 1 for each synapse that stays, with that probability; the same for both directions within a layer.
MatrixXd kept_synapses(const Matrix& m, double probability, const base::RandomStream& stream) {
  MatrixXd u(m.w.rows(), m.w.cols());
  stream.uniforms(0, std::span(u.data(), static_cast<std::size_t>(u.size())));
  if (m.symmetric && m.pre == m.post) u.triangularView<Eigen::StrictlyUpper>() = u.transpose().eval();
  return (u.array() < probability).cast<double>();
}

/// The first `fraction` of the neurons in a random order have 1, the others 0.
Eigen::VectorXd drawn_neurons(Index n, double fraction, const base::RandomStream& stream) {
  std::vector<double> u(static_cast<std::size_t>(n));
  stream.uniforms(0, std::span(u));
  std::vector<Index> order(u.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::ranges::sort(order, {}, [&](Index i) { return u[static_cast<std::size_t>(i)]; });
  Eigen::VectorXd drawn = Eigen::VectorXd::Zero(n);
  for (Index k = 0; k < std::llround(fraction * static_cast<double>(n)); ++k)
    drawn[order[static_cast<std::size_t>(k)]] = 1;
  return drawn;
}

void add_matrix(Network<double>& network, const Matrix& m, const dynamics::Lifetime& lifetime) {
  if (4 * (m.w.array() != 0).count() < m.w.size()) {
    network.add_synapse(
        dynamics::Sparse<double>{
            m.pre, m.post, std::make_shared<Eigen::SparseMatrix<double>>(m.w.sparseView()), m.symmetric},
        lifetime);
  } else if (m.symmetric) {
    network.add_synapse(dynamics::Symmetric<double>{m.post, m.pre, dynamics::weights<double>(m.w)}, lifetime);
  } else {
    network.add_synapse(dynamics::Asymmetric<double>{m.pre, m.post, dynamics::weights<double>(m.w)},
                        lifetime);
  }
}

/// Both directions, each with what the sign of its presynaptic neurons allows.
std::vector<Matrix> by_dales_law(const Matrix& m, const std::vector<Eigen::VectorXd>& signs) {
  const auto clipped = [&](MatrixXd w, LayerId pre) {
    const MatrixXd sign = signs[pre].transpose().replicate(w.rows(), 1);
    w = (w.array() * sign.array()).max(0.0) * sign.array();
    return w;
  };
  std::vector<Matrix> all = {{m.pre, m.post, clipped(m.w, m.pre), false}};
  if (m.symmetric && m.pre != m.post) all.push_back({m.post, m.pre, clipped(m.w.transpose(), m.post), false});
  return all;
}

bool normalises(const dynamics::Lagrangian& lagrangian) {
  return std::holds_alternative<dynamics::LogSumExp>(lagrangian) ||
         std::holds_alternative<dynamics::Entmax>(lagrangian);
}

/// The layer with time constants of its neurons' own, and a current that keeps silent neurons out of a
/// competition.
dynamics::Layer<double> changed(dynamics::Layer<double> layer, const Biology& b,
                                const Eigen::VectorXd& silent, LayerId id, const base::RandomKey& key) {
  if (b.tau_spread > 0 && layer.tau > 0) {
    layer.tau_of_neuron.resize(static_cast<std::size_t>(layer.neurons));
    base::RandomStream(key, base::Purpose("biology.tau"), static_cast<std::uint32_t>(id))
        .normals(0, std::span(layer.tau_of_neuron));
    for (double& tau : layer.tau_of_neuron)
      tau = layer.tau * std::exp(b.tau_spread * tau - 0.5 * b.tau_spread * b.tau_spread);
  }
  if (normalises(layer.lagrangian) && silent.sum() > 0) {
    constexpr double kOut = -1e9;
    const dynamics::Input<double> out{.times = {b.lesion_at}, .values = {kOut * silent}};
    layer.input = layer.input.times.empty() ? out : layer.input + out;
  }
  return layer;
}

}  // namespace

Network<double> with_biology(const Network<double>& network, const Biology& b, const base::RandomKey& key) {
  const bool lesioned = b.lesion_neurons > 0 || b.lesion_synapses > 0;
  if (b.tau_spread == 0 && b.connectivity == 1 && !b.dale && !lesioned) return network;
  std::vector<Eigen::VectorXd> silent;
  std::vector<Eigen::VectorXd> signs;
  Network<double> result;
  for (LayerId id = 0; id < network.layers().size(); ++id) {
    const auto& layer = network.layers()[id];
    const auto step = static_cast<std::uint32_t>(id);
    const bool spared =
        (b.lesion_site == LesionSite::visible && id != 0) || (b.lesion_site == LesionSite::others && id == 0);
    silent.push_back(drawn_neurons(layer.neurons, spared ? 0 : b.lesion_neurons,
                                   base::RandomStream(key, base::Purpose("biology.lesion"), step)));
    signs.push_back(1 - 2 * drawn_neurons(layer.neurons, b.inhibitory,
                                          base::RandomStream(key, base::Purpose("biology.dale"), step))
                                .array());
    result.add_layer(changed(layer, b, silent.back(), id, key));
  }
  for (std::size_t k = 0; k < network.synapses().size(); ++k) {
    if (b.connectivity == 1 && !b.dale && !lesioned) {
      result.add_synapse(network.synapses()[k], network.lifetimes()[k]);
      continue;
    }
    std::uint32_t number = static_cast<std::uint32_t>(k) << 2U;
    for (Matrix& m : matrices_of(network.synapses()[k], network)) {
      ++number;
      if (b.connectivity < 1) {
        const base::RandomStream stream(key, base::Purpose("biology.connectivity"), number);
        m.w.array() *= kept_synapses(m, b.connectivity, stream).array() / b.connectivity;
      }
      MatrixXd left = MatrixXd::Ones(m.w.rows(), m.w.cols());
      if (lesioned) {
        left = kept_synapses(m, 1 - b.lesion_synapses,
                             base::RandomStream(key, base::Purpose("biology.lost"), number));
        left.array().colwise() *= 1 - silent[m.post].array();
        left.array().rowwise() *= 1 - silent[m.pre].transpose().array();
      }
      const auto add = [&](const Matrix& whole, const dynamics::Lifetime& lifetime) {
        for (const Matrix& part : b.dale ? by_dales_law(whole, signs) : std::vector{whole})
          add_matrix(result, part, lifetime);
      };
      const Matrix lost{m.pre, m.post, m.w.cwiseProduct(left), m.symmetric};
      if (lesioned && b.lesion_at > 0) {
        add(m, {.until = b.lesion_at});
        add(lost, {.from = b.lesion_at});
      } else {
        add(lost, {});
      }
    }
  }
  return result;
}

}  // namespace ecphory::models
