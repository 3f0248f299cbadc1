#include "ecphory/models/amicl_dynamics.hpp"

#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

using namespace ecphory;
using Eigen::Index;
using Eigen::MatrixXd;
using models::AmiclDynamicsParameters;
using models::Similarity;

namespace {

const tasks::InContextSequenceParameters kTask{.classes = 50, .length = 20, .dimension = 100};

dynamics::Simulation<double> run(const models::AmiclContexts& contexts, double duration) {
  dynamics::SimulationOptions<double> options;
  options.duration = duration;
  return dynamics::simulate<double>(contexts.network,
                                    MatrixXd::Zero(contexts.network.rows(), contexts.labels.cols()), options);
}

}  // namespace

TEST_CASE(
    "cold, with a one-token shift and time to converge, it answers as the published model on every trial "
    "without a tie") {
  constexpr std::int64_t kTrials = 100;
  constexpr double kBeta = 1e7;
  int compared = 0;
  for (const Similarity similarity :
       {Similarity::dot, Similarity::correlation, Similarity::euclidean, Similarity::manhattan}) {
    for (const double a : {0.5, 1.0, 1.25, 2.0}) {
      const auto published =
          models::amicl_trials<double>({.a = a, .similarity = similarity}, kTask, {.seed = 1}, kTrials);
      const auto contexts =
          models::present({.a = a, .similarity = similarity, .beta = kBeta}, kTask, {.seed = 1}, kTrials);
      const auto simulation = run(contexts, 500);
      for (std::int64_t trial = 0; trial < kTrials; ++trial) {
        const Eigen::VectorXd state = simulation.state.col(trial);
        std::vector<double> h(state.data(), state.data() + kTask.length);
        std::ranges::sort(h, std::greater<>());
        if (kBeta * (h[0] - h[1]) < 40) continue;
        ++compared;
        CHECK(models::read_out(contexts, kBeta, trial, state).correct ==
              published[static_cast<std::size_t>(trial)].correct);
      }
    }
  }
  CHECK(compared > 1400);  // of 1600; the rest are ties of repeated classes
}

TEST_CASE("memory neurons relax to their similarities, the output to the softmax-weighted values") {
  const auto contexts = models::present({.beta = 15, .tau_h = 4, .tau_y = 7}, kTask, {.seed = 2}, 5);
  const auto end = run(contexts, 400);
  const MatrixXd& scores = contexts.network.layers()[0].input.values[0];
  for (Index trial = 0; trial < 5; ++trial) {
    Eigen::VectorXd p = (15 * (scores.col(trial).array() - scores.col(trial).maxCoeff())).exp();
    p /= p.sum();
    CHECK((end.state.col(trial).head(20) - scores.col(trial)).norm() < 1e-5);
    CHECK((end.state.col(trial).tail(100) - contexts.values[static_cast<std::size_t>(trial)] * p).norm() <
          1e-4);
  }
}

TEST_CASE("a leaky trace is the solution of its equation, and the shift when tokens are long") {
  // Token by token, −z + x(t) is integrated exactly by the network of one layer with the tokens as input.
  const double tau_z = 35;
  const double duration = 50;
  tasks::InContextSequence<double> sequence;
  tasks::draw(kTask, {.seed = 3}, 0, sequence);
  std::vector<MatrixXd> tokens;
  for (Index t = 0; t < 20; ++t) tokens.emplace_back(sequence.tokens.matrix().col(t));
  dynamics::Network<double> network;
  network.add_layer({.name = "z",
                     .neurons = 100,
                     .tau = tau_z,
                     .input = dynamics::token_sequence<double>(duration, tokens)});
  dynamics::SimulationOptions<double> options;
  options.duration = 19 * duration;
  options.integrator = {.rtol = 1e-10, .atol = 1e-13};
  const Eigen::VectorXd z = dynamics::simulate<double>(network, MatrixXd::Zero(100, 1), options).state;

  // The query is (a z + x) / (a + 1) with x = 0: its dot product with the first key, x_1 / (a + 1), shows z.
  const double a = 2;
  const auto contexts =
      models::present({.a = a, .trace = models::Trace::leaky, .tau_z = tau_z, .token_duration = duration},
                      kTask, {.seed = 3}, 1);
  const double score = contexts.network.layers()[0].input.values[0](0, 0);
  CHECK(score == doctest::Approx(a * z.dot(tokens[0].col(0)) / ((a + 1) * (a + 1))).epsilon(1e-7));

  const auto shift = models::present({.a = a}, kTask, {.seed = 3}, 20);
  const auto fast =
      models::present({.a = a, .trace = models::Trace::leaky, .tau_z = 1}, kTask, {.seed = 3}, 20);
  CHECK((shift.network.layers()[0].input.values[0] - fast.network.layers()[0].input.values[0]).norm() <
        1e-12);
}

TEST_CASE("token noise has its size, and spoils retrieval") {
  const AmiclDynamicsParameters noisy{.token_noise = 3};
  const auto with = models::present(noisy, kTask, {.seed = 4}, 50);
  const auto without = models::present({}, kTask, {.seed = 4}, 50);
  double squared = 0;
  for (std::size_t trial = 0; trial < 50; ++trial)
    squared += (with.values[trial] - without.values[trial]).squaredNorm();
  CHECK(squared / (50 * 20) == doctest::Approx(9).epsilon(4 * std::sqrt(2.0 / (50 * 2000))));
  const auto correct = [](const models::AmiclContexts& contexts) {
    const auto end = run(contexts, 200);
    int n = 0;
    for (Index trial = 0; trial < 50; ++trial)
      n += models::read_out(contexts, 30, trial, end.state.col(trial)).correct ? 1 : 0;
    return n;
  };
  CHECK(correct(without) >= 49);
  CHECK(correct(with) < 25);
}
