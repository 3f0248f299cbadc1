#include "ecphory/models/amicl_dynamics.hpp"

#include <array>
#include <cmath>

#include "ecphory/base/exception_slot.hpp"

namespace ecphory::models {

using compute::Array;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr base::Purpose kTokenNoise("amicl.token_noise");

/// (D, L) traces at the onsets of the tokens; nothing came before the first.
MatrixXd traces_of(const AmiclDynamicsParameters& model, const MatrixXd& tokens) {
  MatrixXd traces = MatrixXd::Zero(tokens.rows(), tokens.cols());
  const double kept = model.trace == Trace::shift ? 0.0 : std::exp(-model.token_duration / model.tau_z);
  for (Index t = 1; t < tokens.cols(); ++t) {
    traces.col(t) = kept * traces.col(t - 1) + (1 - kept) * tokens.col(t - 1);
  }
  return traces;
}

}  // namespace

std::span<const std::string_view> names(Trace) {
  static constexpr std::array<std::string_view, 2> kNames = {"shift", "leaky"};
  return kNames;
}

const base::ParameterTable<AmiclDynamicsParameters>& amicl_dynamics_table() {
  using P = AmiclDynamicsParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("a", &P::a, "1", "weight of the trace in keys and queries", base::at_least(0))
          .add("similarity", &P::similarity, "1", "how a key is compared with the query")
          .add("beta", &P::beta, "1", "inverse temperature of the memory neurons",
               {.low = 0, .high = 1e12, .low_excluded = true})
          .add("tau_h", &P::tau_h, "ms", "time constant of the memory neurons", base::above(0))
          .add("tau_y", &P::tau_y, "ms", "time constant of the output", base::above(0))
          .add("trace", &P::trace, "1",
               "what remembers the preceding token: a one-token shift or a leaky trace")
          .add("tau_z", &P::tau_z, "ms", "time constant of the leaky trace", base::above(0))
          .add("token_duration", &P::token_duration, "ms", "how long a token is presented", base::above(0))
          .add("token_noise", &P::token_noise, "1",
               "standard deviation of the noise on every token, in 1/sqrt(D)", base::at_least(0))
          .add("noise_h", &P::noise_h, "1", "standard deviation of the memory neurons' noise",
               base::at_least(0))
          .add("noise_y", &P::noise_y, "1", "standard deviation of the output's noise, in 1/sqrt(D)",
               base::at_least(0));
  return table;
}

Model amicl_dynamics() {
  std::vector<base::Parameter> parameters = amicl_dynamics_table().parameters();
  const auto& task = tasks::in_context_sequence_table().parameters();
  parameters.insert(parameters.end(), task.begin(), task.end());
  return {.name = "amicl_dynamics",
          .title = "AMICL as a dynamical system",
          .equation =
              "k_t = (a z_t + x_t) / (a + 1),   v_t = x_t,   z_t = x_{t-1} or tau_z dz/dt = -z + x(t)\n"
              "tau_h dh_t/dt = -h_t + sim(k_t, q) + noise,   p = softmax(beta h)\n"
              "tau_y dy/dt = -y + sum_t p_t v_t + noise,   answer = the v_t nearest to y",
          .source = "after Burns, Fukai & Earls (2024), arXiv 2412.15113",
          .parameters = std::move(parameters)};
}

AmiclContexts present(const AmiclDynamicsParameters& model, const tasks::InContextSequenceParameters& task,
                      const base::RandomKey& key, std::int64_t n) {
  const Index dimension = task.dimension;
  const Index length = task.length;
  const double unit = 1 / std::sqrt(static_cast<double>(dimension));
  AmiclContexts contexts;
  contexts.values.resize(static_cast<std::size_t>(n));
  contexts.is_label.resize(static_cast<std::size_t>(n));
  contexts.labels.resize(dimension, n);
  MatrixXd scores(length, n);
  base::ExceptionSlot exception;
#pragma omp parallel for if (n > 1)
  for (std::int64_t trial = 0; trial < n; ++trial) {
    exception.run([&] {
      const auto number = static_cast<std::uint32_t>(trial);
      const auto at = static_cast<std::size_t>(trial);
      tasks::InContextSequence<double> sequence;
      tasks::draw(task, key, number, sequence);
      const auto clean = sequence.tokens.matrix();
      const Eigen::Map<const VectorXd> label(sequence.label.data(), dimension);
      contexts.labels.col(trial) = label;
      for (Index t = 0; t < length; ++t) contexts.is_label[at].push_back(clean.col(t) == label);

      MatrixXd& tokens = contexts.values[at];
      tokens = clean;
      if (model.token_noise > 0) {
        MatrixXd noise(dimension, length);
        base::RandomStream(key, kTokenNoise, number)
            .normals(0, std::span(noise.data(), static_cast<std::size_t>(noise.size())));
        tokens += model.token_noise * unit * noise;
      }
      Array<double> keys({dimension, length});
      keys.matrix() = (model.a * traces_of(model, tokens) + tokens) / (model.a + 1);
      Array<double> query({dimension, 1});
      query.matrix() = keys.matrix().rightCols(1);
      draw_last_key(key, number,
                    std::span(keys.data() + dimension * (length - 1), static_cast<std::size_t>(dimension)));
      Array<double> score({length, 1});
      similarities(model.similarity, keys, query, score);
      scores.col(trial) = score.matrix();
    });
  }
  exception.rethrow();

  const auto h = contexts.network.add_layer({.name = "memory",
                                             .neurons = length,
                                             .lagrangian = dynamics::LogSumExp{model.beta},
                                             .tau = model.tau_h,
                                             .input = dynamics::constant_current<double>(std::move(scores)),
                                             .noise = {.additive = model.noise_h}});
  const auto y = contexts.network.add_layer({.name = "output",
                                             .neurons = dimension,
                                             .tau = model.tau_y,
                                             .noise = {.additive = model.noise_y * unit}});
  contexts.network.add_synapse(
      dynamics::Asymmetric<double>{h, y, dynamics::weights<double>(contexts.values)});
  return contexts;
}

AmiclReading read_out(const AmiclContexts& contexts, double beta, std::int64_t trial, const VectorXd& state) {
  const auto at = static_cast<std::size_t>(trial);
  const MatrixXd& values = contexts.values[at];
  const VectorXd h = state.head(values.cols());
  const VectorXd y = state.tail(values.rows());
  Index answer = 0;
  (values.colwise() - y).colwise().squaredNorm().minCoeff(&answer);
  VectorXd p = (beta * (h.array() - h.maxCoeff())).exp();
  p /= p.sum();
  double crosstalk = 0;
  for (Index t = 0; t < p.size(); ++t) {
    if (!contexts.is_label[at][static_cast<std::size_t>(t)]) crosstalk += p[t];
  }
  const auto label = contexts.labels.col(trial);
  const double lengths = y.norm() * label.norm();
  return {.correct = contexts.is_label[at][static_cast<std::size_t>(answer)],
          .crosstalk = crosstalk,
          .label_overlap = lengths > 0 ? y.dot(label) / lengths : 0.0};
}

}  // namespace ecphory::models
