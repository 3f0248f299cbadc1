#include "ecphory/models/icl_transformer.hpp"

#include <cmath>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <omp.h>

#include "ecphory/store/hdf5_read.hpp"
#include "ecphory/tasks/gaussian_mixture.hpp"

using namespace ecphory;
using attention::Stream;
using attention::StreamMix;
using attention::StreamSource;
using compute::Array;
using compute::Index;
using models::Form;

namespace {

using Vector = Eigen::VectorXd;

constexpr std::array kStreams = {Stream::none, Stream::query, Stream::key, Stream::value};

/// A batch of the in-context task and a network for it.
template <class Real>
struct Problem {
  Problem(const models::IclTransformerParameters& parameters, const tasks::GaussianMixtureParameters& task,
          Index sequences, Form form)
      : batch(task, sequences),
        shape(models::shape_of(parameters, 2 * task.most_pairs + 1, task.dimension, 2 * task.pairs + 1,
                               task.labels)),
        network(shape, form),
        weights(models::initial_weights<Real>(shape, {.seed = 7})) {
    const auto mixture = tasks::draw_mixture<Real>(task, {.seed = 3});
    tasks::draw<Real>(task, mixture, {.seed = 3}, tasks::kTrainingSequences, 0, batch);
  }

  attention::PositionedTokens<Real> tokens() const {
    return {shape.positions, shape.stack.tokens, batch.content, batch.shift};
  }
  std::vector<Real> gradient() {
    std::vector<Real> g(weights.size());
    loss = network.gradient(weights, tokens(), batch.label, g);
    return g;
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
  const attention::PositionedTokens<double> x{positions, tokens, contents, shift};
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
      models::IclTransformer<double> network(shape, form);
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
      const double loss = network.gradient(weights, x, labels, gradient);
      CHECK(loss ==
            doctest::Approx(std::get<std::vector<double>>(expected.at("loss").values)[0]).epsilon(1e-14));
      Array<double> logits({5, sequences});
      network.logits(weights, x, logits);
      CHECK(largest_deviation({logits.data(), logits.data() + logits.size()},
                              std::get<std::vector<double>>(expected.at("logits").values)) < 1e-13);
      CHECK(largest_deviation(gradient, block_of(group + "/gradients")) < 1e-13);
      // Rate 0.01 and a decay of 1e-6 a step: weights ← (1 − decay) weights − rate · gradient.
      for (const double step_loss : std::get<std::vector<double>>(expected.at("sgd_losses").values)) {
        CHECK(network.gradient(weights, x, labels, gradient) == doctest::Approx(step_loss).epsilon(1e-14));
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
      const auto s = shortcut.network.evaluate(shortcut.weights, shortcut.tokens(), shortcut.batch.label,
                                               shortcut.batch.classes);
      const auto p =
          plain.network.evaluate(plain.weights, plain.tokens(), plain.batch.label, plain.batch.classes);
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

TEST_CASE("one and two threads, and a batch of a part alone, give the same bits") {
  Problem<float> problem({.stream = Stream::value}, small_task(), 96, Form::shortcut);
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const auto one = problem.gradient();
  omp_set_num_threads(2);
  const auto two = problem.gradient();
  omp_set_num_threads(before);
  CHECK(one == two);
}

TEST_CASE("float follows double") {
  for (const Form form : {Form::shortcut, Form::plain}) {
    Problem<float> single({.stream = Stream::value}, small_task(), 64, form);
    Problem<double> reference({.stream = Stream::value}, small_task(), 64, form);
    const auto g = single.gradient();
    const auto h = reference.gradient();
    CHECK(single.loss == doctest::Approx(reference.loss).epsilon(1e-6));
    CHECK(largest_deviation(std::vector<double>(g.begin(), g.end()), h) < 1e-5);
  }
}
