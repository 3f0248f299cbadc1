#include "ecphory/models/amicl_weights.hpp"

#include <Eigen/Cholesky>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include <doctest/doctest.h>

#include "ecphory/attention/stack.hpp"
#include "ecphory/bridge/lifted_head.hpp"
#include "ecphory/models/amicl.hpp"
#include "ecphory/models/icl_network.hpp"

#include "attention/column.hpp"
#include "refusal.hpp"

using namespace ecphory;
using attention::Stream;
using attention::StreamMix;
using compute::Array;
using compute::Index;
using models::IclTransformerParameters;
using models::Initial;
using tasks::TestSet;
using tests::column;

namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

constexpr base::RandomKey kKey = {.seed = 3};
constexpr std::array kStreams = {Stream::none, Stream::query, Stream::key, Stream::value};

/// The size of experiments/bridge/amicl_init.toml: as many labels as positions have room for.
tasks::GaussianMixtureParameters small_task() {
  return {.classes = 256, .labels = 16, .pairs = 4, .most_pairs = 12, .dimension = 31};
}

/// More labels than elements, and than neurons.
tasks::GaussianMixtureParameters many_labels() {
  return {.classes = 40, .labels = 40, .pairs = 4, .most_pairs = 8, .dimension = 8, .novel_classes = 40};
}

/// Sequences of a test set, and the weights for them.
template <class Real>
struct Trials {
  Trials(const tasks::GaussianMixtureParameters& task, const IclTransformerParameters& model, TestSet set,
         Index n)
      : a(model.initial_a),
        beta(model.initial_beta),
        mixture(tasks::draw_mixture<Real>(task, kKey)),
        shape(models::shape_of(model, 2 * task.most_pairs + 1, task.dimension, 2 * task.pairs + 1,
                               task.labels)),
        batch(task, 1, n),
        network(shape, {.sequences = n}),
        weights(models::starting_weights<Real>(model, shape, mixture.labels, kKey)) {
    const auto parameters = tasks::parameters_of(set, task);
    const tasks::MixtureRun<Real> run{.parameters = parameters, .mixture = &mixture, .key = kKey};
    const std::uint64_t begin = 0;
    tasks::MixtureSampler<Real>({&run, 1}, tasks::purpose_of(set)).draw(std::span(&begin, 1), 0, batch);
  }

  attention::PositionedTokens<Real> tokens() const {
    return {shape.positions, shape.stack.tokens, batch.content, batch.shift};
  }
  models::Scores evaluate() {
    return network.evaluate(column(weights), tokens(), batch.label, batch.classes).front();
  }
  Matrix logits() {
    Array<Real> to({shape.readout.labels, batch.sequences});
    network.logits(column(weights), tokens(), to);
    return to.matrix().template cast<double>();
  }
  compute::Tensors<const Real> tensors() const { return {&network.layout(), column(weights)}; }
  Array<Real> written_out() const {
    Array<Real> x({shape.stack.width, shape.stack.tokens * batch.sequences});
    attention::write_out<Real>(tokens(), x);
    return x;
  }
  /// Of a sequence.
  Array<Real> contents(Index sequence) const {
    Array<Real> c({batch.content.rows(), shape.stack.tokens});
    c.matrix() = batch.content.matrix().middleCols(sequence * shape.stack.tokens, shape.stack.tokens);
    return c;
  }

  /// AMICL's read-out of a sequence, whose query is that of the masked label.
  models::AmiclReadout<Real> amicl(Index sequence, double at_beta) const {
    const Array<Real> tokens = contents(sequence);
    Array<Real> keys(tokens.shape());
    models::amicl_keys(a, tokens, keys);
    Array<Real> query({tokens.rows(), 1});
    query.matrix() = static_cast<Real>(a / (a + 1)) * tokens.matrix().rightCols(1);
    models::AmiclReadout<Real> readout;
    models::amicl_read({.a = a, .beta = at_beta}, keys, tokens, query, readout);
    return readout;
  }

  /// The label whose vector a token is; none for items.
  std::optional<Index> label_of(Index sequence, Index token) const {
    const auto c = batch.content.matrix().col(sequence * shape.stack.tokens + token);
    for (Index l = 0; l < mixture.labels.columns(); ++l) {
      if (mixture.labels.matrix().col(l) == c) return l;
    }
    return std::nullopt;
  }

  double a;
  double beta;
  tasks::GaussianMixture<Real> mixture;
  models::IclTransformerShape shape;
  tasks::InContextBatch<Real> batch;
  models::IclTransformer<Real> network;
  std::vector<Real> weights;
};

double normal_below(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

/// E min(1, e^(−β Δ)/B) of a normal Δ with this mean and deviation.
double expected_weight(double beta, double copies, double mean, double deviation) {
  const double m = beta * mean + std::log(copies);
  const double s = beta * deviation;
  const double z = s - m / s;
  // e^(−m + s²/2) Φ(−z), whose factors are too large and too small for numbers where z is large.
  const double below = z < 8 ? std::exp(-m + s * s / 2) * normal_below(-z)
                             : std::exp(-m * m / (2 * s * s)) * z / ((z * z + 1) * std::sqrt(2 * M_PI));
  return normal_below(-m / s) + below;
}

/// The attention that labels of the query's class do not get, at most, were scores normal for a query of
/// given length, whose square is χ²(D)/D (derived in experiments/bridge/README.md).
double expected_mass_outside(const tasks::GaussianMixtureParameters& task, double a, double beta) {
  const auto d = static_cast<double>(task.dimension);
  const auto b = static_cast<double>(task.burstiness);
  const auto n = static_cast<double>(task.pairs);
  const double k = a / ((a + 1) * (a + 1));
  const double likeness = 1 / (1 + task.noise * task.noise);
  double sum = 0;
  double weights = 0;
  for (double m = 0.005; m < 4; m += 0.01) {
    const double weight = std::exp((d / 2 - 1) * std::log(m) - d * m / 2 + d / 2);
    const double unit = k * std::sqrt(m / d);
    const double same = k * (a * likeness - 1) * m;
    sum +=
        weight * ((b + 1) * (n - b) / n * expected_weight(beta, b, same, unit * std::sqrt(1 + a * a)) +
                  b * b / n * expected_weight(beta, b, same, unit * (a - 1)) +
                  2 * (n - b) * expected_weight(beta, b, k * a * likeness * m, unit * std::sqrt(2 + a * a)));
    weights += weight;
  }
  return sum / weights;
}

}  // namespace

TEST_CASE("attention of the second layer is the softmax of AMICL's scores, for every stream and mix") {
  constexpr Index kSequences = 20;
  for (const auto& task : {small_task(), many_labels()}) {
    for (const Stream stream : kStreams) {
      for (const StreamMix mix :
           {StreamMix::sum, StreamMix::mean, StreamMix::learned, StreamMix::learned_heads}) {
        CAPTURE(base::name_of(stream));
        CAPTURE(base::name_of(mix));
        // β is so low that no probability is lost.
        const Trials<double> trials(task,
                                    {.stream = stream,
                                     .mix = mix,
                                     .initial = Initial::amicl_attention,
                                     .initial_a = 1.7,
                                     .initial_beta = 6},
                                    TestSet::in_context, kSequences);
        attention::Stack<double> stack(trials.shape.stack, kSequences);
        const Array<double> x = trials.written_out();
        stack.forward(trials.tensors(), x);
        const Index length = trials.shape.stack.tokens;
        double off = 0;
        double first_off = 0;
        for (Index s = 0; s < kSequences; ++s) {
          Matrix shifted = Matrix::Zero(length, length);
          shifted(0, 0) = 1;
          shifted.diagonal(1).setOnes();
          first_off =
              std::max(first_off, (stack.attention(0, 0).matrix().middleCols(s * length, length) - shifted)
                                      .cwiseAbs()
                                      .maxCoeff());
          const Vector p = stack.attention(1, 0).matrix().col((s + 1) * length - 1);
          const auto amicl = trials.amicl(s, trials.beta);
          const Vector expected = amicl.probabilities.matrix().col(0);
          const auto log_ratio = [&](const Vector& of) { return (of / of(length - 1)).array().log().eval(); };
          off = std::max(off, (log_ratio(p) - log_ratio(expected)).tail(length - 1).abs().maxCoeff());
          // Token 0 attends to itself: its key is its content, and the counter-term takes G off.
          const Array<double> c = trials.contents(s);
          const double a = trials.a;
          const double score = trials.beta * a / (a + 1) *
                               (c.matrix().col(0).dot(c.matrix().col(length - 1)) - 2 * a / (a + 1));
          off = std::max(off,
                         std::abs(log_ratio(p)(0) - (score - trials.beta * amicl.scores.data()[length - 1])));
        }
        // Others together get less than 2⁻⁵⁴.
        CHECK(first_off <= std::ldexp(1.0, -54));
        // Scores are up to 20 and sums of 39 products, each off by 1e-16 of itself.
        CHECK(off < 20 * 39 * 1e-16 * 2);
      }
    }
  }
}

TEST_CASE("least squares find a in the keys that the weights make") {
  constexpr Index kSequences = 10;
  constexpr double kA = 2.6;
  for (const Stream stream : kStreams) {
    const Trials<double> trials(
        small_task(), {.stream = stream, .initial = Initial::amicl, .initial_a = kA, .initial_beta = 30},
        TestSet::mixed, kSequences);
    attention::StackShape one = trials.shape.stack;
    one.layers = 1;
    attention::Stack<double> stack(one, kSequences);
    const Array<double> x = trials.written_out();
    const Matrix h = stack.forward(trials.tensors(), x).matrix();
    const Matrix keys = view_of(trials.weights.data(), trials.network.layout().at("layer2.key")).matrix() * h;
    // k_t = before · c_{t−1} + here · c_t, after the first token, √β times.
    const Index length = trials.shape.stack.tokens;
    const Index content = trials.batch.content.rows();
    Matrix regressors((length - 1) * kSequences * content, 2);
    Vector seen(regressors.rows());
    for (Index s = 0; s < kSequences; ++s) {
      for (Index t = 1; t < length; ++t) {
        const Index column = s * length + t;
        const Index row = (s * (length - 1) + t - 1) * content;
        regressors.block(row, 0, content, 1) = trials.batch.content.matrix().col(column - 1);
        regressors.block(row, 1, content, 1) = trials.batch.content.matrix().col(column);
        seen.segment(row, content) = keys.col(column).segment(length - 1, content);
      }
    }
    const Vector found = regressors.colPivHouseholderQr().solve(seen);
    CHECK(std::abs(found(0) / found(1) - kA) < 1e-13 * kA);
    CHECK(std::abs(found.sum() - std::sqrt(30.0)) < 1e-12);
    CHECK((regressors * found - seen).cwiseAbs().maxCoeff() < 1e-13);
  }
}

TEST_CASE("the Transformer names the label that AMICL looks up, in every trial without a tie") {
  // Where the best score of another answer is 40/β below, all tokens of other answers get e⁻⁴⁰ each.
  constexpr double kBeta = 1e5;
  constexpr Index kTrials = 1000;
  for (const auto& task : {tasks::GaussianMixtureParameters{}, small_task(), many_labels()}) {
    for (const Stream stream : kStreams) {
      for (const TestSet set : {TestSet::in_context, TestSet::swapped}) {
        const StreamMix mix = set == TestSet::swapped ? StreamMix::mean : StreamMix::sum;
        Trials<double> trials(
            task, {.stream = stream, .mix = mix, .initial = Initial::amicl, .initial_beta = kBeta}, set,
            kTrials);
        const Matrix logits = trials.logits();
        Index compared = 0;
        Index agree = 0;
        Index first_token = 0;
        Index items = 0;
        double margin = std::numeric_limits<double>::infinity();
        for (Index s = 0; s < kTrials; ++s) {
          const auto amicl = trials.amicl(s, std::numeric_limits<double>::infinity());
          first_token += amicl.answer == 0 ? 1 : 0;
          const auto label = trials.label_of(s, amicl.answer);
          if (!label) {
            ++items;
            continue;
          }
          const double best = amicl.scores.data()[amicl.answer];
          bool tie = false;
          for (Index t = 0; t < trials.shape.stack.tokens; ++t)
            tie = tie || (amicl.scores.data()[t] > best - 40 / kBeta && trials.label_of(s, t) != label);
          if (tie) continue;
          ++compared;
          Index answer = 0;
          logits.col(s).maxCoeff(&answer);
          agree += answer == *label ? 1 : 0;
          Vector others = logits.col(s);
          others(*label) = -std::numeric_limits<double>::infinity();
          margin = std::min(margin, logits(*label, s) - others.maxCoeff());
        }
        CAPTURE(base::name_of(stream));
        CAPTURE(task.dimension);
        INFO("items ", items, ", token 0 ", first_token, ", compared ", compared);
        CHECK(agree == compared);
        CHECK(compared >= (task.dimension == 8 ? kTrials / 2 : kTrials * 98 / 100));
        // Half of the margin of 4 at least is left by what else the positions hold.
        CHECK(margin > 2 - 1e-6);
      }
    }
  }
}

TEST_CASE("lifting the second layer gives AMICL back: its a, its scores, its answers") {
  constexpr Index kSequences = 1000;
  const tasks::GaussianMixtureParameters task;  // as published
  for (const Stream stream : kStreams) {
    for (const TestSet set : {TestSet::in_context, TestSet::swapped}) {
      CAPTURE(base::name_of(stream));
      CAPTURE(base::name_of(set));
      Trials<double> trials(task, {.stream = stream, .initial = Initial::amicl}, set, kSequences);
      const Array<double> x = trials.written_out();
      const bridge::LiftedHead head = bridge::lift(trials.shape.stack, trials.tensors(), x, 2, 1);
      Eigen::Vector2d products = Eigen::Vector2d::Zero();  // normal equations of K̃ ~ α c_t + α a c_{t−1}
      Eigen::Matrix2d squares = Eigen::Matrix2d::Zero();
      int unlike = 0;
      int ties = 0;
      int first = 0;
      for (Index s = 0; s < kSequences; ++s) {
        const Array<double> c = trials.contents(s);
        const auto keys = head.keys_of(s).bottomRows(task.dimension);
        for (Index t = 1; t < head.tokens; ++t) {
          const auto now = c.matrix().col(t);
          const auto before = c.matrix().col(t - 1);
          squares(0, 0) += now.dot(now);
          squares(0, 1) += now.dot(before);
          squares(1, 1) += before.dot(before);
          products += Eigen::Vector2d(now.dot(keys.col(t)), before.dot(keys.col(t)));
        }
        const models::AmiclReadout<double> amicl = trials.amicl(s, std::numeric_limits<double>::infinity());
        const Vector scores = head.keys_of(s).transpose() * head.state.col(s) + head.bias.col(s);
        const auto rest = head.tokens - 1;
        const Vector theirs = trials.beta * amicl.scores.matrix().col(0);
        // But for G/T, which the waves add to all of them and softmax does not see.
        const Vector more = (scores - theirs).tail(rest);
        CHECK((more.array() - more.mean()).abs().maxCoeff() <= 1e-11 * trials.beta);
        Vector sorted = amicl.scores.matrix().col(0);
        std::ranges::sort(sorted, std::greater<>());
        Index answer = 0;
        scores.maxCoeff(&answer);
        ties += sorted[0] - sorted[1] <= 1e-9 ? 1 : 0;
        first += amicl.answer == 0 ? 1 : 0;
        unlike += answer == amicl.answer ? 0 : 1;
      }
      squares(1, 0) = squares(0, 1);
      const Eigen::Vector2d parts = squares.ldlt().solve(products);
      CHECK(std::abs(parts[1] / parts[0] - trials.a) <= 1e-12 * trials.a);
      CHECK(ties == 0);
      CHECK(first == 0);  // the one token whose key is another
      CHECK(unlike == 0);
    }
  }
}

TEST_CASE("without training at least 99% are right at the published parameters, swapped labels too") {
  for (const Stream stream : kStreams) {
    for (const TestSet set : {TestSet::in_context, TestSet::swapped}) {
      CAPTURE(base::name_of(stream));
      Trials<float> trials({}, {.stream = stream, .initial = Initial::amicl}, set, 4000);
      const models::Scores scores = trials.evaluate();
      CHECK(scores.accuracy >= 0.99);
      CHECK(scores.previous_token > 1 - 1e-6);
    }
  }
}

TEST_CASE("without the counter-term token 0 takes the attention wherever the query is of its class") {
  const tasks::GaussianMixtureParameters task;
  Trials<double> trials(task, {.initial = Initial::amicl}, TestSet::in_context, 4000);
  const double with = trials.evaluate().accuracy;
  view_of(trials.weights.data(), trials.network.layout().at("layer2.key"))
      .matrix()
      .middleRows(trials.shape.stack.tokens - 1 + task.dimension, trials.shape.stack.tokens - 1)
      .setZero();
  // B of N contexts begin with the query's class. Its item leads its label by a score of β a/(a + 1)² (m −
  // y), more than 0, and says nothing about labels: one in L is right by chance.
  const auto rate = static_cast<double>(task.burstiness) / static_cast<double>(task.pairs);
  const double expected = 1 - rate * (1 - 1 / static_cast<double>(task.labels));
  // Four deviations of 4000 trials, and the 1% that may be wrong with the counter-term.
  CHECK(std::abs(trials.evaluate().accuracy - expected) < 4 * std::sqrt(rate * (1 - rate) / 4000) + 0.01);
  CHECK(with > 0.99);
}

TEST_CASE("attention outside the query's labels is what normal scores give over beta, and low beta fails") {
  constexpr Index kTrials = 10'000;
  for (const auto& task : {tasks::GaussianMixtureParameters{}, small_task()}) {
    for (const double a : {2.0, 4.0}) {
      double error_before = 1;
      for (const double beta : {0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0}) {
        CAPTURE(task.dimension);
        CAPTURE(a);
        CAPTURE(beta);
        Trials<double> trials(task, {.initial = Initial::amicl, .initial_a = a, .initial_beta = beta},
                              TestSet::in_context, kTrials);
        const models::Scores scores = trials.evaluate();
        const double outside = 1 - scores.induction;
        const double expected = expected_mass_outside(task, a, beta);
        // Wrong labels need about as much attention as the right one, so half of all.
        CHECK(1 - scores.accuracy <= 2 * outside + 1e-12);
        // The sum of expectations is a bound of little use where it is not small. Below one trial in a
        // thousand, a few trials and the label vectors of this mixture make half or twice of it.
        if (expected < 0.5) CHECK(outside < (expected < 1e-3 ? 3 : 1.1) * expected);
        if (expected < 0.5 && expected > 1e-4) CHECK(outside > expected / 2.5);
        // Each step of β from 0.3 to 10 takes more than a tenth of the errors, on the same sequences.
        if (beta <= 10) {
          CHECK(1 - scores.accuracy < error_before * 9 / 10);
          error_before = 1 - scores.accuracy;
        }
      }
    }
  }
}

TEST_CASE("the layers of the read-out leave the logits as they are, with more labels than neurons too") {
  for (const auto& task : {small_task(), many_labels()}) {
    Trials<double> none(task, {.mlp_layers = 0, .initial = Initial::amicl}, TestSet::mixed, 50);
    const Matrix expected = none.logits();
    for (const std::int64_t layers : {1, 2, 3}) {
      Trials<double> some(task, {.mlp_layers = layers, .initial = Initial::amicl}, TestSet::mixed, 50);
      CHECK((some.logits() - expected).cwiseAbs().maxCoeff() < 1e-13 * expected.cwiseAbs().maxCoeff());
    }
  }
}

TEST_CASE(
    "training starts from drawn weights, constructed ones, or constructed attention with a drawn read-out") {
  const auto mixture = tasks::draw_mixture<float>(small_task(), kKey);
  const auto start = [&](Initial initial) {
    const IclTransformerParameters model{
        .stream = Stream::value, .mix = StreamMix::learned, .initial = initial};
    const auto shape = models::shape_of(model, 25, 31, 9, 16);
    return std::pair(shape.layout(), models::starting_weights<float>(model, shape, mixture.labels, kKey));
  };
  const auto [layout, random] = start(Initial::random);
  const auto all = start(Initial::amicl).second;
  const auto attention = start(Initial::amicl_attention).second;
  CHECK(random ==
        models::initial_weights<float>(
            models::shape_of({.stream = Stream::value, .mix = StreamMix::learned}, 25, 31, 9, 16), kKey));
  for (const compute::Tensor& t : layout.tensors()) {
    CAPTURE(t.name);
    const auto of = [&](const std::vector<float>& weights) { return view_of(weights.data(), t).matrix(); };
    if (t.name.ends_with(".mix")) {
      CHECK(of(attention) == of(random));
    } else if (t.name.starts_with("layer")) {
      CHECK(of(attention) == of(all));
      CHECK(of(attention) != of(random));
    } else {
      CHECK(of(attention) == of(random));
      CHECK(of(all) != of(random));
    }
  }
}

TEST_CASE("what has no such weights is refused with what to change") {
  const auto refused = [](IclTransformerParameters model, const tasks::GaussianMixtureParameters& task) {
    model.initial = Initial::amicl;
    return tests::refusal([&] {
      const auto mixture = tasks::draw_mixture<double>(task, kKey);
      const auto shape =
          models::shape_of(model, 2 * task.most_pairs + 1, task.dimension, 2 * task.pairs + 1, task.labels);
      models::starting_weights<double>(model, shape, mixture.labels, kKey);
    });
  };
  CHECK(refused({}, small_task()).empty());
  CHECK(tests::contains(refused({.layers = 3}, small_task()), "model.layers"));
  CHECK(tests::contains(refused({.heads = 2}, small_task()), "model.heads"));
  CHECK(tests::contains(refused({.initial_a = 0}, small_task()), "model.initial_a"));
  CHECK(tests::contains(refused({.initial_a = std::nan("")}, small_task()), "model.initial_a"));
  CHECK(tests::contains(refused({.initial_beta = 0}, small_task()), "model.initial_beta"));
  CHECK(tests::contains(refused({.initial_beta = std::numeric_limits<double>::infinity()}, small_task()),
                        "model.initial_beta"));
  // 16 dimensions and 8 steps from token 0 to the query ask for 24 positions.
  tasks::GaussianMixtureParameters task = small_task();
  task.most_pairs = 11;
  CHECK(tests::contains(refused({}, task), "task.most_pairs = 12"));
  task.dimension = 14;  // labels of 14 elements span no more
  CHECK(refused({}, task).empty());
  task.labels = 4;  // but heads ask for as many positions as twice those steps
  task.most_pairs = 7;
  CHECK(tests::contains(refused({}, task), "task.most_pairs = 8"));
  task.most_pairs = 8;
  CHECK(refused({}, task).empty());
  task.dimension = 1;
  CHECK(tests::contains(refused({}, task), "task.dimension"));
}
