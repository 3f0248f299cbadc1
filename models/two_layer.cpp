// Feature and memory neurons with time constants of their own.
// Krotov & Hopfield (2021), "Large associative memory problem in neurobiology and machine learning", arXiv
// 2008.06996.
//
//     τ dv/dt = W f(h) − v + I,   τ_h dh/dt = Wᵀ g(v) − h
//
//     model A   g = tanh(κv)     f = relu(h)^{n−1}    W = N^{−(n−1)/n} Ξ
//     model B   g = v            f = softmax(βh)      W = Ξ
//     model C   g = v/‖v‖        f = relu(h)^{n−1}    W = Ξ
//
// τ_h = 0 is the adiabatic limit; there model A is `dense` and model B is `modern`.

#include <array>
#include <cmath>

#include "ecphory/models/memories.hpp"

namespace ecphory::models {

enum class TwoLayerVariant { a, b, c };

static std::span<const std::string_view> names(TwoLayerVariant) {
  static constexpr std::array<std::string_view, 3> kNames = {"A", "B", "C"};
  return kNames;
}

namespace {

struct TwoLayerParameters {
  TwoLayerVariant variant = TwoLayerVariant::b;
  double beta = 20.0;
  std::int64_t degree = 3;
  double gain = 4.0;
  double tau = 10.0;
  double tau_hidden = 1.0;
};

const base::ParameterTable<TwoLayerParameters>& table() {
  using P = TwoLayerParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("variant", &P::variant, "1", "which of the paper's models")
          .add("beta", &P::beta, "1", "inverse temperature of the softmax",
               {.low = 0, .high = 1e30, .low_excluded = true})
          .add("degree", &P::degree, "1", "power n of the energy; capacity grows as N^(n-1)",
               base::between(2, 30))
          .add("gain", &P::gain, "1", "steepness kappa of tanh; typically 1 to 10", base::above(0))
          .add("tau", &P::tau, "ms", "time constant of the visible layer", base::above(0))
          .add("tau_hidden", &P::tau_hidden, "ms",
               "time constant of the memory neurons; 0 is the adiabatic limit", base::at_least(0));
  return table;
}

dynamics::Network<double> build(const base::Point& point, const Eigen::MatrixXd& patterns,
                                const base::RandomKey&) {
  const TwoLayerParameters p = table().read(point);
  const auto n = static_cast<double>(p.degree);
  dynamics::Lagrangian visible = dynamics::Quadratic{};
  dynamics::Lagrangian hidden = dynamics::RectifiedPower{static_cast<int>(p.degree)};
  double scale = 1;
  switch (p.variant) {
    case TwoLayerVariant::a:
      visible = dynamics::Tanh{p.gain};
      scale = std::pow(static_cast<double>(patterns.rows()), -(n - 1) / n);
      break;
    case TwoLayerVariant::b:
      hidden = dynamics::LogSumExp{p.beta};
      break;
    case TwoLayerVariant::c:
      visible = dynamics::Spherical{};
      break;
  }
  dynamics::Network<double> network;
  const auto v =
      network.add_layer({.name = "visible", .neurons = patterns.rows(), .lagrangian = visible, .tau = p.tau});
  const auto h = network.add_layer(
      {.name = "hidden", .neurons = patterns.cols(), .lagrangian = hidden, .tau = p.tau_hidden});
  network.add_synapse(dynamics::Symmetric<double>{v, h, dynamics::weights<double>(scale * patterns)});
  return network;
}

}  // namespace

Memory two_layer() {
  return {.model = {.name = "two_layer",
                    .title = "Feature and memory neurons with time constants of their own",
                    .equation = "tau dv/dt = W f(h) - v,   tau_hidden dh/dt = W^T g(v) - h\n"
                                "A: g = tanh(kappa v), f = relu(h)^(n-1), W = N^(-(n-1)/n) Xi\n"
                                "B: g = v, f = softmax(beta h), W = Xi\n"
                                "C: g = v/|v|, f = relu(h)^(n-1), W = Xi",
                    .source = "Krotov & Hopfield (2021), arXiv 2008.06996",
                    .parameters = table().parameters()},
          .build = build};
}

}  // namespace ecphory::models
