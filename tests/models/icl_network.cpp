#include "ecphory/models/icl_network.hpp"

#include <cmath>
#include <tuple>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <omp.h>

#include "ecphory/attention/stack.hpp"
#include "ecphory/compute/blas.hpp"
#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/tasks/gaussian_mixture.hpp"

#include "attention/column.hpp"
#include "compute/gpu.hpp"

using namespace ecphory;
using attention::Stream;
using attention::StreamMix;
using attention::StreamSource;
using compute::Array;
using compute::Index;
using models::Form;
using tests::column;

namespace {

using Vector = Eigen::VectorXd;

constexpr std::array kStreams = {Stream::none, Stream::query, Stream::key, Stream::value};

/// A batch of the in-context task and a network for it.
template <class Real>
struct Problem {
  Problem(const models::IclTransformerParameters& parameters, const tasks::GaussianMixtureParameters& task,
          Index sequences, Form form, std::uint32_t first = 0)
      : batch(task, 1, sequences),
        shape(models::shape_of(parameters, 2 * task.most_pairs + 1, task.dimension, 2 * task.pairs + 1,
                               task.labels)),
        network(shape, {.sequences = sequences}, form),
        weights(models::initial_weights<Real>(shape, {.seed = 7})) {
    const auto mixture = tasks::draw_mixture<Real>(task, {.seed = 3});
    const tasks::MixtureRun<Real> run{.parameters = task, .mixture = &mixture, .key = {.seed = 3}};
    const std::uint64_t begin = 0;
    tasks::MixtureSampler<Real>({&run, 1}, tasks::kTrainingSequences)
        .draw(std::span(&begin, 1), first, batch);
  }

  attention::PositionedTokens<Real> tokens() const {
    return {shape.positions, shape.stack.tokens, batch.content, batch.shift};
  }
  std::vector<Real> gradient() {
    std::vector<Real> g(weights.size());
    network.gradient(column(weights), tokens(), batch.label, column(g), std::span(&loss, 1));
    return g;
  }
  models::Scores evaluate() {
    return network.evaluate(column(weights), tokens(), batch.label, batch.classes).front();
  }

  tasks::InContextBatch<Real> batch;
  models::IclTransformerShape shape;
  models::IclTransformer<Real> network;
  std::vector<Real> weights;
  double loss = 0;
};

tasks::GaussianMixtureParameters small_task() {
  return {.classes = 16,
          .labels = 4,
          .pairs = 4,
          .most_pairs = 6,
          .dimension = 7,
          .noise = 0.2,
          .burstiness = 2,
          .novel_classes = 8};
}

double largest_deviation(const std::vector<double>& a, const std::vector<double>& b) {
  const Eigen::Map<const Vector> x(a.data(), static_cast<Index>(a.size()));
  const Eigen::Map<const Vector> y(b.data(), static_cast<Index>(b.size()));
  return (x - y).lpNorm<Eigen::Infinity>() / y.lpNorm<Eigen::Infinity>();
}

}  // namespace

TEST_CASE(
    "logits, loss, gradients and SGD of an independent automatic differentiation, for every stream and "
    "form") {
  const std::string path = ECPHORY_GOLDEN "/icl_transformer.h5";
  const store::Dataset data = store::read(path);
  const auto& inputs = std::get<std::vector<double>>(data.at("inputs").values);
  const Index sequences = 4;
  const Index tokens = 7;
  const Index width = 17;
  const Index positions = 9;
  const Index content = width - positions;
  Array<double> contents({content, tokens * sequences});
  for (Index c = 0; c < tokens * sequences; ++c) {
    for (Index k = 0; k < content; ++k)
      contents.matrix()(k, c) = inputs[static_cast<std::size_t>(c * width + positions + k)];
  }
  std::vector<std::int32_t> shift;
  for (const std::int64_t s : std::get<std::vector<std::int64_t>>(data.at("shift").values))
    shift.push_back(static_cast<std::int32_t>(s));
  std::vector<std::int32_t> labels;
  for (const std::int64_t s : std::get<std::vector<std::int64_t>>(data.at("labels").values))
    labels.push_back(static_cast<std::int32_t>(s));
  const attention::PositionedTokens<double> x{positions, tokens, contents,
                                              std::span<const std::int32_t>(shift)};
  {
    Array<double> written({width, tokens * sequences});
    attention::write_out<double>(x, written);
    REQUIRE(std::vector<double>(written.data(), written.data() + written.size()) == inputs);
  }

  for (const Form form : {Form::shortcut, Form::plain}) {
    for (const Stream stream : kStreams) {
      CAPTURE(static_cast<int>(form));
      CAPTURE(static_cast<int>(stream));
      const auto shape = models::shape_of({.stream = stream}, positions, content, tokens, 5);
      models::IclTransformer<double> network(shape, {.sequences = sequences}, form);
      // Files have rows one after the other, blocks columns.
      const auto block_of = [&](const std::string& group) {
        std::vector<double> block(static_cast<std::size_t>(network.layout().size()));
        for (const compute::Tensor& t : network.layout().tensors()) {
          const auto dot = t.name.find('.');
          const store::Dataset part = store::read(path, group + "/" + t.name.substr(0, dot));
          const auto& values = std::get<std::vector<double>>(part.at(t.name.substr(dot + 1)).values);
          view_of(block.data(), t).matrix() =
              Eigen::Map<const Eigen::Matrix<double, -1, -1, Eigen::RowMajor>>(values.data(), t.rows,
                                                                               t.columns);
        }
        return block;
      };
      const std::string group = "stream_" + base::name_of(stream);
      const store::Dataset expected = store::read(path, group);
      std::vector<double> weights = block_of("weights");
      std::vector<double> gradient(weights.size());
      double loss = 0;
      const auto step = [&] {
        network.gradient(column(weights), x, std::span<const std::int32_t>(labels), column(gradient),
                         std::span(&loss, 1));
        return loss;
      };
      step();
      CHECK(loss ==
            doctest::Approx(std::get<std::vector<double>>(expected.at("loss").values)[0]).epsilon(1e-14));
      Array<double> logits({5, sequences});
      network.logits(column(weights), x, logits);
      CHECK(largest_deviation({logits.data(), logits.data() + logits.size()},
                              std::get<std::vector<double>>(expected.at("logits").values)) < 1e-13);
      CHECK(largest_deviation(gradient, block_of(group + "/gradients")) < 1e-13);
      // Rate 0.01 and a decay of 1e-6 a step: weights ← (1 − decay) weights − rate · gradient.
      for (const double step_loss : std::get<std::vector<double>>(expected.at("sgd_losses").values)) {
        CHECK(step() == doctest::Approx(step_loss).epsilon(1e-14));
        for (std::size_t i = 0; i < weights.size(); ++i)
          weights[i] = (1 - 1e-6) * weights[i] - 0.01 * gradient[i];
      }
    }
  }
}

TEST_CASE(
    "the shortcut equals the plain form, values and gradients, for every stream and mix, parts of any size") {
  for (const Stream stream : kStreams) {
    for (const StreamMix mix :
         {StreamMix::sum, StreamMix::mean, StreamMix::learned, StreamMix::learned_heads}) {
      CAPTURE(static_cast<int>(stream));
      CAPTURE(static_cast<int>(mix));
      Problem<double> shortcut({.stream = stream, .mix = mix}, small_task(), 45, Form::shortcut);
      Problem<double> plain({.stream = stream, .mix = mix}, small_task(), 45, Form::plain);
      if (shortcut.shape.stack.has_learned_mix()) {
        const auto at = static_cast<std::size_t>(shortcut.network.layout().at("layer2.mix").offset);
        shortcut.weights[at] = plain.weights[at] = 0.7;
      }
      const auto g = shortcut.gradient();
      const auto h = plain.gradient();
      // Sums of some hundred products.
      CHECK(shortcut.loss == doctest::Approx(plain.loss).epsilon(1e-14));
      CHECK(largest_deviation(g, h) < 1e-13);
      const auto s = shortcut.evaluate();
      const auto p = plain.evaluate();
      CHECK(s.loss == doctest::Approx(p.loss).epsilon(1e-14));
      CHECK(s.loss == doctest::Approx(shortcut.loss).epsilon(1e-14));
      CHECK(s.accuracy == p.accuracy);
      CHECK(s.previous_token == doctest::Approx(p.previous_token).epsilon(1e-13));
      CHECK(s.induction == doctest::Approx(p.induction).epsilon(1e-13));
    }
  }
}

TEST_CASE("gradients are those of central differences, for every depth, heads, stream, source and mix") {
  for (const auto& [layers, heads] : {std::pair<std::int64_t, std::int64_t>{1, 1}, {2, 1}, {3, 4}}) {
    for (const Stream stream : kStreams) {
      for (const StreamSource source : {StreamSource::previous, StreamSource::all, StreamSource::first}) {
        for (const StreamMix mix :
             {StreamMix::sum, StreamMix::mean, StreamMix::learned, StreamMix::learned_heads}) {
          if (stream == Stream::none && (source != StreamSource::previous || mix != StreamMix::sum)) continue;
          CAPTURE(layers);
          CAPTURE(static_cast<int>(stream));
          CAPTURE(static_cast<int>(source));
          CAPTURE(static_cast<int>(mix));
          Problem<double> problem(
              {.layers = layers, .heads = heads, .stream = stream, .source = source, .mix = mix},
              small_task(), 5, Form::shortcut);
          // Weights of a size at which attention is neither flat nor one-hot, mixes that are not 1, and
          // biases that keep the last tokens off the corners of relu.
          for (const compute::Tensor& t : problem.network.layout().tensors()) {
            auto w = view_of(problem.weights.data(), t).matrix();
            if (t.name.ends_with(".mix")) w.setConstant(0.6);
          }
          const std::vector<double> gradient = problem.gradient();
          for (const compute::Tensor& t : problem.network.layout().tensors()) {
            CAPTURE(t.name);
            const Eigen::Map<const Vector> g(gradient.data() + t.offset, t.size());
            Eigen::Map<Vector> w(problem.weights.data() + t.offset, t.size());
            const Vector before = w;
            Vector direction(t.size());
            base::RandomStream({.seed = 11}, base::Purpose("direction"))
                .normals(0, std::span(direction.data(), static_cast<std::size_t>(direction.size())));
            direction.normalize();
            const auto loss_at = [&](double step) {
              w = before + step * direction;
              problem.gradient();
              const double loss = problem.loss;
              w = before;
              return loss;
            };
            // Fourth order: error h⁴, and rounding eps / h. A step that crosses the corner of a relu shows in
            // that half of it gives another number, and a smaller one is taken.
            const double scale = std::max(g.norm(), 1e-3);
            const auto difference_at = [&](double h) {
              return (8 * (loss_at(h) - loss_at(-h)) - (loss_at(2 * h) - loss_at(-2 * h))) / (12 * h);
            };
            double h = 1e-3;
            double difference = difference_at(h);
            while (h > 1e-6) {
              const double half = difference_at(h / 2);
              if (std::abs(half - difference) <= 1e-8 * scale) break;
              difference = half;
              h /= 2;
            }
            REQUIRE(h > 1e-6);
            CHECK(std::abs(g.dot(direction) - difference) <= 1e-7 * scale);
          }
        }
      }
    }
  }
}

TEST_CASE("scores are means over the sequences of what their logits and their attention say") {
  for (const auto& [layers, heads] : {std::pair<std::int64_t, std::int64_t>{1, 1}, {2, 1}, {3, 4}}) {
    CAPTURE(layers);
    constexpr Index kSequences = 45;  // a part and a smaller one
    Problem<double> problem({.layers = layers, .heads = heads, .stream = Stream::value}, small_task(),
                            kSequences, Form::shortcut);
    const Index tokens = problem.shape.stack.tokens;
    const Index pairs = tokens / 2;
    Array<double> logits({problem.shape.readout.labels, kSequences});
    problem.network.logits(column(problem.weights), problem.tokens(), logits);
    const compute::SingleThreadedBlas one_thread;
    attention::Stack<double> stack(problem.shape.stack, kSequences);
    Array<double> x({problem.shape.stack.width, tokens * kSequences});
    attention::write_out<double>(problem.tokens(), x);
    stack.forward({&problem.network.layout(), column(problem.weights)}, x);

    models::Scores sum;
    sum.first_attention.setZero(tokens, tokens);
    sum.last_attention.setZero(tokens);
    for (Index s = 0; s < kSequences; ++s) {
      const Vector of_sequence = logits.matrix().col(s);
      const Index answer = problem.batch.label.data()[s];
      sum.loss += std::log(of_sequence.array().exp().sum()) - of_sequence(answer);
      sum.accuracy += of_sequence(answer) == of_sequence.maxCoeff() ? 1 : 0;
      Eigen::MatrixXd first = Eigen::MatrixXd::Zero(tokens, tokens);
      Vector last = Vector::Zero(tokens);
      for (Index h = 0; h < heads; ++h) {
        const auto share = 1 / static_cast<double>(heads);
        first += share * stack.attention(0, h).middle_columns(s * tokens, tokens).matrix();
        last += share * stack.attention(layers - 1, h).middle_columns(s * tokens + tokens - 1, 1).matrix();
      }
      sum.first_attention += first;
      sum.last_attention += last;
      const std::int32_t* const classes = problem.batch.classes.data() + s * (pairs + 1);
      for (Index pair = 0; pair < pairs; ++pair) {
        sum.previous_token += first(2 * pair, 2 * pair + 1) / static_cast<double>(pairs);
        if (classes[pair] == classes[pairs]) sum.induction += last(2 * pair + 1);
      }
    }
    const auto scores = problem.evaluate();
    constexpr double kMean = 1.0 / kSequences;
    // Some tens of roundings in another order.
    CHECK(scores.loss == doctest::Approx(kMean * sum.loss).epsilon(1e-13));
    CHECK(scores.accuracy == doctest::Approx(kMean * sum.accuracy).epsilon(1e-13));
    CHECK((scores.accuracy > 0 && scores.accuracy < 1));
    CHECK(scores.previous_token == doctest::Approx(kMean * sum.previous_token).epsilon(1e-13));
    CHECK(scores.induction == doctest::Approx(kMean * sum.induction).epsilon(1e-13));
    CHECK((scores.first_attention - kMean * sum.first_attention).norm() < 1e-13);
    CHECK((scores.last_attention - kMean * sum.last_attention).norm() < 1e-13);
  }
}

TEST_CASE("tokens of another shape than the network's are a Bug, heads that do not fit the user's mistake") {
  Problem<double> problem({}, small_task(), 2, Form::shortcut);
  const auto x = problem.tokens();
  const attention::PositionedTokens<double> higher{x.positions + 1, x.tokens, x.content, x.shift};
  const attention::PositionedTokens<double> shorter{x.positions, x.tokens - 1, x.content, x.shift};
  for (const auto& other : {higher, shorter}) {
    Array<double> logits({4, 2});
    CHECK_THROWS_AS(problem.network.logits(column(problem.weights), other, logits), base::Bug);
    std::vector<double> gradient(problem.weights.size());
    CHECK_THROWS_AS(problem.network.gradient(column(problem.weights), other, problem.batch.label,
                                             column(gradient), std::span(&problem.loss, 1)),
                    base::Bug);
  }
  CHECK_THROWS_AS(
      problem.network.evaluate(column(problem.weights), higher, problem.batch.label, problem.batch.classes),
      base::Bug);
  CHECK_THROWS_AS(
      models::IclTransformer<float>(models::shape_of({.heads = 7}, 13, 7, 9, 4), {.sequences = 1}),
      base::UserError);
}

TEST_CASE("loss and gradient of a batch are the means of its sequences'") {
  Problem<double> problem({.stream = Stream::value}, small_task(), 45, Form::shortcut);
  const std::vector<double> whole = problem.gradient();
  std::vector<double> mean(whole.size());
  double loss = 0;
  for (Index s = 0; s < 45; ++s) {
    std::vector<double> gradient(whole.size());
    double of_sequence = 0;
    problem.network.gradient(column(problem.weights), problem.tokens().part(s, 1),
                             compute::View<const std::int32_t>(problem.batch.label).middle_columns(s, 1),
                             column(gradient), std::span(&of_sequence, 1));
    loss += of_sequence / 45;
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += gradient[i] / 45;
  }
  CHECK(problem.loss == doctest::Approx(loss).epsilon(1e-14));
  CHECK(largest_deviation(whole, mean) < 1e-13);  // sums of some hundred products
}

TEST_CASE("nothing of one batch is left for the next") {
  for (const Form form : {Form::shortcut, Form::plain}) {
    Problem<float> used({.stream = Stream::value}, small_task(), 80, form);
    Problem<float> fresh({.stream = Stream::value}, small_task(), 20, form, 80);
    used.gradient();
    std::vector<float> gradient(fresh.weights.size(), 1.0F);
    double loss = 0;
    used.network.gradient(column(fresh.weights), fresh.tokens(), fresh.batch.label, column(gradient),
                          std::span(&loss, 1));
    CHECK(gradient == fresh.gradient());
    CHECK(loss == fresh.loss);
  }
}

TEST_CASE("one and two threads give the same bits, and a part alone those that it has in a batch") {
  Problem<float> problem({.stream = Stream::value}, small_task(), 96, Form::shortcut);
  Array<float> logits({4, 96});
  const auto with = [&](int threads) {
    const int before = omp_get_max_threads();
    omp_set_num_threads(threads);
    const auto scores = problem.evaluate();
    const auto gradient = problem.gradient();
    omp_set_num_threads(before);
    return std::tuple{gradient, problem.loss, scores.loss, scores.induction};
  };
  CHECK(with(1) == with(2));
  problem.network.logits(column(problem.weights), problem.tokens(), logits);
  Array<float> alone({4, 32});
  problem.network.logits(column(problem.weights), problem.tokens().part(32, 32), alone);
  CHECK(alone.matrix() == logits.matrix().middleCols(32, 32));
}

/// Several networks and their batches side by side.
template <class Real>
struct SideBySide {
  SideBySide(const models::IclTransformerParameters& parameters, Index networks, Index sequences, Form form,
             compute::Device device = compute::kCpu)
      : shape(models::shape_of(parameters, 2 * small_task().most_pairs + 1, small_task().dimension,
                               2 * small_task().pairs + 1, small_task().labels)),
        size(shape.layout().size()),
        network(shape, {.networks = networks, .sequences = sequences, .device = device}, form),
        batch(small_task(), networks, sequences, device),
        weights({size, networks}),
        gradient({size, networks}, device),
        losses({1, networks}, device) {
    std::vector<tasks::GaussianMixture<Real>> mixtures;
    std::vector<tasks::MixtureRun<Real>> runs;
    for (Index r = 0; r < networks; ++r) mixtures.push_back(tasks::draw_mixture<Real>(small_task(), key(r)));
    for (Index r = 0; r < networks; ++r) {
      runs.push_back(
          {.parameters = small_task(), .mixture = &mixtures[static_cast<std::size_t>(r)], .key = key(r)});
      const auto of_run = models::initial_weights<Real>(shape, key(r));
      std::ranges::copy(of_run, weights.data() + r * size);
      for (const compute::Tensor& t : network.layout().tensors()) {
        if (t.name.ends_with(".mix"))
          view_of(weights.data() + r * size, t)
              .matrix()
              .setConstant(Real(0.5 + 0.1 * static_cast<double>(r)));
      }
    }
    Array<std::uint64_t> step({1, networks});
    std::ranges::fill(step.elements(), std::uint64_t{2});
    tasks::MixtureSampler<Real>(runs, tasks::kTrainingSequences, device).draw(step.to(device), 0, batch);
    weights = weights.to(device);
  }

  static base::RandomKey key(Index run) { return {.seed = 3, .replicate = static_cast<std::uint32_t>(run)}; }

  attention::PositionedTokens<Real> tokens() const {
    return {shape.positions, shape.stack.tokens, batch.content, batch.shift};
  }
  void differentiate() { network.gradient(weights, tokens(), batch.label, gradient, losses); }
  std::vector<models::Scores> evaluate() {
    return network.evaluate(weights, tokens(), batch.label, batch.classes);
  }

  models::IclTransformerShape shape;
  Index size;
  models::IclTransformer<Real> network;
  tasks::InContextBatch<Real> batch;
  Array<Real> weights;
  Array<Real> gradient;
  Array<double> losses;
};

const std::vector<std::pair<models::IclTransformerParameters, Form>>& networks_and_forms() {
  static const auto all = [] {
    std::vector<std::pair<models::IclTransformerParameters, Form>> list;
    for (const Stream stream : kStreams) {
      for (const StreamMix mix : {StreamMix::mean, StreamMix::learned}) {
        for (const Form form : {Form::shortcut, Form::plain})
          list.push_back({{.stream = stream, .mix = mix}, form});
      }
      for (const StreamSource source : {StreamSource::all, StreamSource::first}) {
        list.push_back(
            {{.layers = 3, .heads = 4, .stream = stream, .source = source, .mix = StreamMix::learned_heads},
             Form::plain});
      }
    }
    return list;
  }();
  return all;
}

TEST_CASE("networks side by side give each one's numbers alone, bit for bit") {
  constexpr Index kNetworks = 8;
  for (const auto& [parameters, form] : networks_and_forms()) {
    for (const Index sequences : {Index{45}, Index{7}}) {
      CAPTURE(base::name_of(parameters.stream));
      CAPTURE(base::name_of(parameters.mix));
      CAPTURE(parameters.layers);
      CAPTURE(sequences);
      SideBySide<float> all(parameters, kNetworks, sequences, form);
      all.differentiate();
      const auto scores = all.evaluate();
      Array<float> logits({all.shape.readout.labels, kNetworks * sequences});
      all.network.logits(all.weights, all.tokens(), logits);
      models::IclTransformer<float> one(all.shape, {.sequences = sequences}, form);
      for (Index r = 0; r < kNetworks; ++r) {
        CAPTURE(r);
        const compute::View<const float> weights =
            compute::View<const float>(all.weights).middle_columns(r, 1);
        const auto tokens = all.tokens().part(r * sequences, sequences);
        const compute::View<const std::int32_t> labels =
            compute::View<const std::int32_t>(all.batch.label).middle_columns(r * sequences, sequences);
        Array<float> gradient({all.size, 1});
        double loss = 0;
        one.gradient(weights, tokens, labels, gradient, std::span(&loss, 1));
        CHECK(gradient.matrix() == all.gradient.matrix().col(r));
        CHECK(loss == all.losses.data()[r]);
        const auto alone = one.evaluate(weights, tokens, labels,
                                        compute::View<const std::int32_t>(all.batch.classes)
                                            .middle_columns(r * sequences, sequences))
                               .front();
        const models::Scores& together = scores[static_cast<std::size_t>(r)];
        CHECK((alone.loss == together.loss && alone.accuracy == together.accuracy &&
               alone.induction == together.induction && alone.previous_token == together.previous_token &&
               alone.first_attention == together.first_attention &&
               alone.last_attention == together.last_attention));
        Array<float> logits_alone({all.shape.readout.labels, sequences});
        one.logits(weights, tokens, logits_alone);
        CHECK(logits_alone.matrix() == logits.matrix().middleCols(r * sequences, sequences));
      }
    }
  }
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = tests::gpu();
  if (!device) return;
  constexpr Index kNetworks = 3;
  constexpr Index kSequences = 45;
  const double epsilon = static_cast<double>(std::numeric_limits<Real>::epsilon()) / 2;
  for (const auto& [parameters, form] : networks_and_forms()) {
    CAPTURE(base::name_of(parameters.stream));
    CAPTURE(base::name_of(parameters.mix));
    CAPTURE(parameters.layers);
    CAPTURE(static_cast<int>(form));
    SideBySide<Real> here(parameters, kNetworks, kSequences, form);
    SideBySide<Real> there(parameters, kNetworks, kSequences, form, *device);
    here.differentiate();
    there.differentiate();
    const auto gradient = there.gradient.to(compute::kCpu);
    const auto losses = there.losses.to(compute::kCpu);
    Array<Real> logits({here.shape.readout.labels, kNetworks * kSequences}, *device);
    there.network.logits(there.weights, there.tokens(), logits);
    Array<Real> logits_here({here.shape.readout.labels, kNetworks * kSequences});
    here.network.logits(here.weights, here.tokens(), logits_here);
    const auto width = static_cast<double>(here.shape.stack.width);
    const auto layers = static_cast<double>(parameters.layers);
    // Both are off by the roundings of float against double (see there), which are independent; a layer has
    // four sums in each direction, and the MLP and the read-out four.
    const double forward = std::sqrt(2 * (4 * layers + 4) * width) * epsilon;
    // Those are typical sizes; the largest of the gradient's thousand elements gets √2 times as much.
    const double both = std::sqrt(2.0) * std::sqrt(4 * (4 * layers + 4) * width) * epsilon;
    CHECK((logits.to(compute::kCpu).matrix() - logits_here.matrix()).cwiseAbs().maxCoeff() <=
          forward * static_cast<double>(logits_here.matrix().cwiseAbs().maxCoeff()));
    for (Index r = 0; r < kNetworks; ++r) {
      CHECK(std::abs(losses.data()[r] - here.losses.data()[r]) <= forward * here.losses.data()[r]);
      const auto of_run = here.gradient.matrix().col(r);
      CHECK((gradient.matrix().col(r) - of_run).cwiseAbs().maxCoeff() <=
            both * static_cast<double>(of_run.cwiseAbs().maxCoeff()));
    }
    const auto a = here.evaluate();
    const auto b = there.evaluate();
    REQUIRE(b.size() == a.size());
    for (std::size_t r = 0; r < a.size(); ++r) {
      CHECK(std::abs(a[r].loss - b[r].loss) <= forward * a[r].loss);
      CHECK(std::abs(a[r].accuracy - b[r].accuracy) < 1e-15);  // the same sum, in parts
      CHECK(std::abs(a[r].induction - b[r].induction) <= forward);
      CHECK(std::abs(a[r].previous_token - b[r].previous_token) <= forward);
      CHECK((a[r].first_attention - b[r].first_attention).cwiseAbs().maxCoeff() <= forward);
      CHECK((a[r].last_attention - b[r].last_attention).cwiseAbs().maxCoeff() <= forward);
    }
  }
}

TEST_CASE("float follows double within the roundings of the sums that a number passes through") {
  // A sum of k terms of either sign is off by about √k ε of its size, ε = 2⁻²⁴. A number passes through at
  // most 2 · 4 of them in the layers (projection, scores, weighted values, residual), 3 in the MLP and the
  // read-out, none much longer than the width; a gradient through as many again. Roundings are independent,
  // so their squares add: √(12 W) ε and √(24 W) ε, and of the loss, a mean, 1/√64 of that.
  const double epsilon = std::ldexp(1.0, -24);
  tasks::GaussianMixtureParameters wide = small_task();
  wide.dimension = 107;
  wide.most_pairs = 10;
  for (const auto& task : {small_task(), wide}) {
    for (const Form form : {Form::shortcut, Form::plain}) {
      for (const Stream stream : kStreams) {
        Problem<float> single({.stream = stream}, task, 64, form);
        Problem<double> reference({.stream = stream}, task, 64, form);
        const auto g = single.gradient();
        const auto h = reference.gradient();
        const auto width = static_cast<double>(single.shape.stack.width);
        CHECK(std::abs(single.loss - reference.loss) <=
              std::sqrt(12 * width / 64) * epsilon * reference.loss);
        CHECK(largest_deviation(std::vector<double>(g.begin(), g.end()), h) <=
              std::sqrt(24 * width) * epsilon);
      }
    }
  }
}

TEST_CASE("one batch is learned to zero loss") {
  for (const auto& [layers, heads] : {std::pair<std::int64_t, std::int64_t>{2, 1}, {3, 4}}) {
    Problem<float> problem({.layers = layers, .heads = heads, .stream = Stream::value}, small_task(), 16,
                           Form::shortcut);
    for (int step = 0; step < 1000; ++step) {
      const auto gradient = problem.gradient();
      for (std::size_t i = 0; i < gradient.size(); ++i) problem.weights[i] -= 0.1F * gradient[i];
    }
    CHECK(problem.loss < 1e-3);
    const auto scores = problem.evaluate();
    CHECK(scores.accuracy == 1);
  }
}
