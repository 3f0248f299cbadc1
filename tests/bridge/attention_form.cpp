#include "ecphory/bridge/attention_form.hpp"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "ecphory/base/random.hpp"
#include "ecphory/bridge/agreement.hpp"
#include "ecphory/bridge/approximate.hpp"

#include "compute/gpu.hpp"
#include "refusal.hpp"

using namespace ecphory;
using namespace ecphory::bridge;
using dynamics::Layer;
using dynamics::LogSumExp;
using dynamics::Method;
using dynamics::Network;

namespace {

template <class Real>
using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;

/// Every word is in the refusal of `work`.
template <class Work>
void check_refused(const Work& work, const std::vector<std::string>& words) {
  const std::string message = tests::refusal(work);
  CAPTURE(message);
  for (const std::string& word : words) {
    CAPTURE(word);
    CHECK(tests::contains(message, word));
  }
}

/// Random numbers of a case: the draws of one follow each other.
class Draws {
 public:
  explicit Draws(std::uint32_t number) : stream_({.seed = 3}, base::Purpose("bridge.test"), number) {}

  template <class Real>
  Matrix<Real> normals(Index rows, Index columns, double deviation) {
    Eigen::MatrixXd x(rows, columns);
    const auto n = static_cast<std::size_t>(x.size());
    stream_.normals(next_, std::span(x.data(), n));
    next_ += (n + 1) / 2 * 2;
    return (deviation * x).cast<Real>();
  }
  /// Uniform on low … high.
  double between(double low, double high) {
    const double z = normals<double>(1, 1, 1)(0, 0);
    return low + (high - low) * 0.5 * std::erfc(-z / std::sqrt(2.0));
  }
  Index whole(Index low, Index high) {
    return std::min(high,
                    static_cast<Index>(between(static_cast<double>(low), static_cast<double>(high + 1))));
  }

 private:
  base::RandomStream stream_;
  std::uint64_t next_ = 0;
};

/// One to three layers with time constants, shared, of each neuron, or without leak, and one to three
/// memories between them: tied or key–value, with and without biases and currents.
template <class Real>
Network<Real> random_network(Draws& draw) {
  Network<Real> network;
  const Index blocks = draw.whole(1, 3);
  std::vector<dynamics::LayerId> states;
  for (Index b = 0; b < blocks; ++b) {
    Layer<Real> layer{.name = "state " + std::to_string(b), .neurons = draw.whole(3, 9)};
    layer.tau = draw.between(2, 30);
    if (draw.whole(0, 2) == 0) {
      for (Index i = 0; i < layer.neurons; ++i) layer.tau_of_neuron.push_back(draw.between(2, 30));
      layer.tau = layer.tau_of_neuron.front();
    }
    if (draw.whole(0, 1) == 0)
      layer.input = dynamics::constant_current<Real>(draw.normals<Real>(layer.neurons, 1, 0.3));
    states.push_back(network.add_layer(layer));
  }
  const Index memories = draw.whole(blocks, 3);
  for (Index h = 0; h < memories; ++h) {
    Layer<Real> memory{.name = "memory " + std::to_string(h),
                       .neurons = draw.whole(1, 12),
                       .lagrangian = LogSumExp{draw.between(0.5, 4)},
                       .tau = 0};
    if (draw.whole(0, 1) == 0)
      memory.input = dynamics::constant_current<Real>(draw.normals<Real>(memory.neurons, 1, 1));
    const auto id = network.add_layer(memory);
    const auto query = states[static_cast<std::size_t>(h % blocks)];  // none is left out
    const auto output = states[static_cast<std::size_t>(draw.whole(0, blocks - 1))];
    const auto matrix = [&](dynamics::LayerId of) {
      return dynamics::weights<Real>(draw.normals<Real>(network.layers()[of].neurons, memory.neurons, 0.7));
    };
    switch (draw.whole(0, 3)) {
      case 0:
        network.add_synapse(dynamics::Symmetric<Real>{query, id, matrix(query)});
        break;
      case 1: {
        const Matrix<Real> turned = matrix(query)->matrix().transpose();
        network.add_synapse(dynamics::Symmetric<Real>{id, query, dynamics::weights<Real>(turned)});
        break;
      }
      case 2:
        network.add_synapse(dynamics::KeyValue<Real>{query, id, output, matrix(query), matrix(output)});
        break;
      default: {
        const Matrix<Real> turned = matrix(query)->matrix().transpose();
        network.add_synapse(dynamics::Asymmetric<Real>{query, id, dynamics::weights<Real>(turned)});
        network.add_synapse(dynamics::Asymmetric<Real>{id, output, matrix(output)});
      }
    }
  }
  for (const auto id : states) {
    if (draw.whole(0, 3) == 0) network.add_synapse(dynamics::Relay<Real>{id, id, 1});
  }
  return network;
}

/// A step that makes gates of many sizes; at most the shortest time constant for forward Euler.
template <class Real>
double random_step(Draws& draw, const Network<Real>& network, Method method) {
  double shortest = std::numeric_limits<double>::infinity();
  for (const Layer<Real>& layer : network.layers()) {
    if (layer.tau == 0) continue;
    shortest = std::min(shortest, layer.tau);
    for (const double tau : layer.tau_of_neuron) shortest = std::min(shortest, tau);
  }
  return method == Method::euler ? draw.between(0.05, 1) * shortest
                                 : std::exp(draw.between(-3, 3)) * shortest;
}

template <class Real>
void check_equal(const std::shared_ptr<const compute::Array<Real>>& a,
                 const std::shared_ptr<const compute::Array<Real>>& b) {
  CHECK(a->shape() == b->shape());
  CHECK(a->matrix() == b->matrix());
}

/// The weights of a network's layers and synapses, by the layers' names: what an identity has to keep.
template <class Real>
void check_same(const Network<Real>& a, const Network<Real>& b) {
  REQUIRE(a.layers().size() == b.layers().size());
  for (const Layer<Real>& layer : a.layers()) {
    CAPTURE(layer.name);
    const Layer<Real>& other = b.layers()[b.find(layer.name)];
    CHECK(layer.neurons == other.neurons);
    CHECK(layer.lagrangian.index() == other.lagrangian.index());
    if (const auto* const softmax = std::get_if<LogSumExp>(&layer.lagrangian))
      CHECK(softmax->beta == std::get<LogSumExp>(other.lagrangian).beta);
    CHECK(layer.tau == other.tau);
    CHECK(layer.tau_of_neuron == other.tau_of_neuron);
    const auto* const current = layer.input.at(0);
    const auto* const other_current = other.input.at(0);
    REQUIRE((current == nullptr) == (other_current == nullptr));
    if (current != nullptr) CHECK(*current == *other_current);
  }
}

/// Keys, values and roles of every head, in the attention forms of two networks.
template <class Real>
void check_same(const AttentionForm<Real>& a, const AttentionForm<Real>& b) {
  CHECK(a.blocks == b.blocks);
  REQUIRE(a.layer.heads.size() == b.layer.heads.size());
  for (std::size_t h = 0; h < a.layer.heads.size(); ++h) {
    const auto& head = a.layer.heads[h];
    const auto& other = b.layer.heads[h];
    CHECK(head.name == other.name);
    CHECK(head.beta == other.beta);
    CHECK(head.query == other.query);
    CHECK(head.output == other.output);
    CHECK(head.tied() == other.tied());
    check_equal(head.keys, other.keys);
    check_equal(head.values, other.values);
    CHECK(head.bias == other.bias);
  }
}

/// The modern Hopfield network: N neurons, M memories.
Network<double> modern(double tau = 10) {
  Draws draw(77);
  Network<double> network;
  const auto v = network.add_layer({.name = "visible", .neurons = 6, .tau = tau});
  const auto h = network.add_layer({.name = "hidden", .neurons = 4, .lagrangian = LogSumExp{2}, .tau = 0});
  network.add_synapse(
      dynamics::Symmetric<double>{v, h, dynamics::weights<double>(draw.normals<double>(6, 4, 0.4))});
  return network;
}

}  // namespace

TEST_CASE_TEMPLATE("k steps are k layers, for random networks, gates and depths", Real, float, double) {
  const double bound = sizeof(Real) == 4 ? 1e-6 : 1e-13;
  const auto device = tests::gpu();
  double worst = 0;
  for (std::uint32_t number = 0; number < 60; ++number) {
    for (const Method method : {Method::exponential_euler, Method::euler}) {
      CAPTURE(number);
      CAPTURE(base::name_of(method));
      Draws draw(number);
      const Network<Real> network = random_network<Real>(draw);
      const auto form =
          attention_form<Real>(network, random_step(draw, network, method), draw.whole(1, 12), method);
      const Matrix<Real> initial = draw.normals<Real>(network.rows(), 5, 1);
      for (const double deviation :
           deviations<Real>(network, form, initial, {.integrator = {.method = method}, .step = form.step})) {
        CHECK(deviation <= bound);
        worst = std::max(worst, deviation);
      }
      if (!device) continue;
      for (const double deviation :
           deviations<Real>(network, form, initial,
                            {.integrator = {.method = method}, .step = form.step, .device = *device}))
        CHECK(deviation <= bound);
    }
  }
  CHECK(worst > 0);  // they are two ways to compute it
}

TEST_CASE_TEMPLATE("network to attention to network is the identity", Real, float, double) {
  for (std::uint32_t number = 0; number < 60; ++number) {
    for (const Method method : {Method::exponential_euler, Method::euler}) {
      CAPTURE(number);
      Draws draw(number);
      const Network<Real> network = random_network<Real>(draw);
      const double step = random_step(draw, network, method);
      const auto form = attention_form<Real>(network, step, 2, method);
      const Network<Real> back = network_of(form);
      check_same(network, back);
      const auto again = attention_form<Real>(back, step, 2, method);
      check_same(form, again);
      CHECK(form.layer.gate == again.layer.gate);
      CHECK(form.layer.keep == again.layer.keep);
      CHECK(form.layer.input == again.layer.input);
    }
  }
}

TEST_CASE("the textbook layers") {
  const Network<double> network = modern();
  SUBCASE("without end a step is the update of Ramsauer et al.") {
    const auto form = attention_form(network, std::numeric_limits<double>::infinity(), 1);
    check_same(network, network_of(form));
    CHECK(form.layer.gate.isOnes(0));
    CHECK(form.layer.keep.isZero(0));
    CHECK(form.layer.heads.at(0).tied());
    CHECK(form.layer.heads.at(0).beta == 2);
    CHECK(form.blocks == std::vector<Block>{{.name = "visible", .first = 0, .neurons = 6}});
  }
  SUBCASE("forward Euler with the step tau has the gate 1") {
    CHECK(attention_form(network, 10, 1, Method::euler).layer.gate.isOnes(0));
  }
  SUBCASE("a relay into itself makes it x + Attn(x)") {
    Network<double> residual = modern();
    residual.add_synapse(dynamics::Relay<double>{0, 0, 1});
    const auto form = attention_form(residual, 10, 1, Method::euler);
    CHECK(form.blocks.at(0).residual);
    CHECK(form.layer.keep.isOnes(0));
    CHECK(form.layer.gate.isOnes(0));
  }
}

TEST_CASE("what has no exact form is refused, with the reason and what can be done") {
  const auto refuses = [](const Network<double>& network, const std::vector<std::string>& words) {
    check_refused([&] { attention_form(network, 1, 1); }, words);
  };
  const auto memory_with = [](const dynamics::Lagrangian& visible, const dynamics::Lagrangian& hidden,
                              double tau_hidden, const dynamics::Noise& noise = {}) {
    Draws draw(78);
    Network<double> network;
    const auto v = network.add_layer(
        {.name = "visible", .neurons = 6, .lagrangian = visible, .tau = 10, .noise = noise});
    const auto h =
        network.add_layer({.name = "hidden", .neurons = 4, .lagrangian = hidden, .tau = tau_hidden});
    network.add_synapse(
        dynamics::Symmetric<double>{v, h, dynamics::weights<double>(draw.normals<double>(6, 4, 0.4))});
    return network;
  };
  refuses(memory_with(dynamics::Quadratic{}, dynamics::RectifiedPower{3}, 0),
          {"hidden", "rectified power", "softmax", "approximate"});
  refuses(memory_with(dynamics::Quadratic{}, LogSumExp{2}, 1),
          {"hidden", "time constant of 1 ms", "tau = 0"});
  refuses(memory_with(dynamics::Quadratic{}, LogSumExp{2}, 0, {.additive = 0.1}), {"visible", "noise"});
  refuses(memory_with(dynamics::Tanh{2}, LogSumExp{2}, 0), {"visible", "tanh", "quadratic"});

  Network<double> jumping = modern();
  jumping.set_input(0, dynamics::pulse<double>(5, 5, Eigen::VectorXd::Ones(6)));
  refuses(jumping, {"visible", "jumps", "cut the run"});
  Network<double> own_currents = modern();
  own_currents.set_input(0, dynamics::constant_current<double>(Eigen::MatrixXd::Ones(6, 3)));
  refuses(own_currents, {"visible", "trajectory", "one form for each"});
  Network<double> relayed = modern();
  relayed.add_synapse(dynamics::Relay<double>{0, 0, 0.5});
  refuses(relayed, {"visible -> visible", "relay of gain 0.5", "gain 1"});
  Network<double> recurrent = modern();
  recurrent.add_synapse(
      dynamics::Symmetric<double>{0, 0, dynamics::weights<double>(Eigen::MatrixXd::Identity(6, 6))});
  refuses(recurrent, {"visible -> visible", "without a softmax"});
  Network<double> twice = modern();
  twice.add_synapse(
      dynamics::Symmetric<double>{0, 1, dynamics::weights<double>(Eigen::MatrixXd::Ones(6, 4))});
  refuses(twice, {"several layers join hidden"});
  Network<double> passing = modern();
  passing.add_synapse(
      dynamics::Asymmetric<double>{0, 0, dynamics::weights<double>(Eigen::MatrixXd::Identity(6, 6))},
      {.from = 3});
  refuses(passing, {"visible -> visible", "comes or goes", "cut the run"});

  const Network<double> network = modern();
  check_refused([&] { attention_form(network, 11, 1, Method::euler); },
                {"visible", "gate 1.1", "at most 1", "at most 10 ms"});
  check_refused([&] { attention_form(network, -1, 1); }, {"step", "> 0"});
  check_refused([&] { attention_form(network, 1, 0); }, {"layers", "from 1 to"});
  check_refused([&] { attention_form(network, 1, 1, Method::dormand_prince); },
                {"dormand_prince", "exponential_euler or euler"});

  AttentionForm<double> form = attention_form(network, 1, 1);
  form.layer.gate.setConstant(0.5);
  check_refused([&] { network_of(form); }, {"visible", "gate = 0.5", "tau = 10 ms"});
  form = attention_form(network, 1, 1);
  form.tau[2] = 11;
  check_refused([&] { network_of(form); }, {"visible", "tau = 11 ms"});
  form.blocks.clear();
  check_refused([&] { network_of(form); }, {"no layers"});
  Network<double> fed_back_twice = modern();
  fed_back_twice.add_synapse(dynamics::Relay<double>{0, 0, 1});
  fed_back_twice.add_synapse(dynamics::Relay<double>{0, 0, 1});
  refuses(fed_back_twice, {"visible -> visible", "two relays"});
}

TEST_CASE("what is approximated says so, and is as near as its assumptions hold") {
  Draws draw(5);
  const Index n = 60;
  const Eigen::MatrixXd patterns = draw.normals<double>(n, 4, 1).cwiseSign();
  const auto memory = [&](const dynamics::Lagrangian& visible, const dynamics::Lagrangian& hidden,
                          double tau_hidden, double scale, double noise) {
    Network<double> network;
    const auto v = network.add_layer(
        {.name = "visible", .neurons = n, .lagrangian = visible, .tau = 10, .noise = {.additive = noise}});
    const auto h =
        network.add_layer({.name = "hidden", .neurons = 4, .lagrangian = hidden, .tau = tau_hidden});
    network.add_synapse(dynamics::Symmetric<double>{v, h, dynamics::weights<double>(scale * patterns)});
    return network;
  };
  /// Deviation after six steps of 5 ms, from patterns with the sign of every `flipped`-th element changed.
  const auto error = [&](const Network<double>& network, Method method, Index flipped) {
    const Approximation<double> near = nearest_with_attention_form(network);
    CHECK(near.changes.size() >= 1);
    Eigen::MatrixXd initial = Eigen::MatrixXd::Zero(network.rows(), 4);
    initial.topRows(n) = 0.9 * patterns;
    for (Index i = 0; i < n; i += flipped) initial.row(i) *= -1;
    return deviations(network, attention_form(near.network, 5, 6), initial,
                      {.integrator = {.method = method}, .step = 0.05})
        .back();
  };
  const dynamics::Quadratic linear;
  // A slower memory layer is further from one that follows at once.
  const double fast = error(memory(linear, LogSumExp{0.5}, 0.01, 1, 0), Method::dormand_prince, 10);
  const double slow = error(memory(linear, LogSumExp{0.5}, 5, 1, 0), Method::dormand_prince, 10);
  CHECK(fast < 1e-3);
  CHECK(slow > 10 * fast);
  // Noise that would move a neuron by 0.1 moves the worst of 240 by a few times that.
  const double noisy = error(memory(linear, LogSumExp{0.5}, 0, 1, 0.1), Method::heun_stratonovich, 10);
  CHECK(noisy > 0.1);
  CHECK(noisy < 0.6);
  // A softmax is as steep as a power at a pattern, and less so far from it: e^((n−1)(m−1)) for m^(n−1) at the
  // overlap m of another pattern, which is e^−(n−1) where the power has nothing. So near a pattern the degree
  // decides; far from it the power, which nothing normalises, may lose what a softmax finds.
  const auto polynomial = [&](int degree, Index flipped) {
    const double scale = std::pow(static_cast<double>(n), -(degree - 1.0) / degree);
    return error(memory(dynamics::Tanh{6}, dynamics::RectifiedPower{degree}, 0, scale, 0),
                 Method::dormand_prince, flipped);
  };
  CHECK(polynomial(3, n) > 0.1);
  CHECK(polynomial(20, n) < 0.1);
  CHECK(polynomial(20, 10) > 1);
  // β and the values' scale by hand: patterns of ±1 times s overlap with sgn by h* = s N, where f = (s
  // N)^(n−1).
  const auto cubic = memory(dynamics::Sign{}, dynamics::RectifiedPower{3}, 0, 0.1, 0);
  const Approximation<double> of_cubic = nearest_with_attention_form(cubic);
  const auto& hidden = of_cubic.network.layers()[of_cubic.network.find("hidden")];
  CHECK(std::get<LogSumExp>(hidden.lagrangian).beta == doctest::Approx(2 / (0.1 * n)));
  const auto form = attention_form(of_cubic.network, 5, 1);
  CHECK((form.layer.heads.at(0).values->matrix() - std::pow(0.1 * n, 2) * 0.1 * patterns).norm() < 1e-12 * n);
  const Approximation<double> same = nearest_with_attention_form(modern());
  CHECK(same.changes.empty());
}
