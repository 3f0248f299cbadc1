#include "ecphory/attention/stack.hpp"

#include <cmath>
#include <utility>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ecphory/base/named_enum.hpp"
#include "ecphory/base/random.hpp"
#include "ecphory/compute/blas.hpp"

#include "attention/column.hpp"
#include "compute/gpu.hpp"
#include "differences.hpp"

using namespace ecphory;
using namespace ecphory::attention;
using compute::Array;
using compute::View;
using tests::column;

namespace {

using Vector = Eigen::VectorXd;
using Tokens = std::vector<Vector>;

constexpr Index kWidth = 8;
constexpr Index kTokens = 4;
constexpr Index kSequences = 2;
constexpr Index kColumns = kTokens * kSequences;

/// What the options of a shape may be, but for heads and depth.
std::vector<StackShape> blocks() {
  std::vector<StackShape> all;
  for (const bool scaled : {false, true}) {
    for (const bool layer_norm : {false, true}) {
      for (const bool output_projection : {false, true}) {
        StackShape shape{.width = kWidth,
                         .tokens = kTokens,
                         .scaled = scaled,
                         .layer_norm = layer_norm,
                         .output_projection = output_projection};
        all.push_back(shape);
        shape.mlp = 11;
        all.push_back(shape);
        shape.activation = Activation::gelu;
        all.push_back(shape);
      }
    }
  }
  return all;
}

/// Every block with every stream, source and mix. Of the nine pairs of depth and heads each shape has one,
/// and every block as well as every stream meets all nine.
std::vector<StackShape> shapes() {
  std::vector<StackShape> streams{{}};
  for (const Stream stream : {Stream::query, Stream::key, Stream::value}) {
    for (const StreamSource source : {StreamSource::previous, StreamSource::all, StreamSource::first}) {
      for (const StreamMix mix :
           {StreamMix::sum, StreamMix::mean, StreamMix::learned, StreamMix::learned_heads})
        streams.push_back({.stream = stream, .source = source, .mix = mix});
    }
  }
  std::vector<StackShape> all;
  for (StackShape shape : blocks()) {
    for (const StackShape& s : streams) {
      shape.stream = s.stream;
      shape.source = s.source;
      shape.mix = s.mix;
      const auto pair = static_cast<Index>(all.size() % 9);
      shape.layers = pair % 3 + 1;
      shape.heads = Index{1} << (pair / 3);
      all.push_back(shape);
    }
  }
  return all;
}

std::string words(const StackShape& s) {
  return fmt::format(
      "{} layers, {} heads, scaled {}, stream {} from {} as {}, layer norm {}, output {}, mlp {} {}",
      s.layers, s.heads, s.scaled, base::name_of(s.stream), base::name_of(s.source), base::name_of(s.mix),
      s.layer_norm, s.output_projection, s.mlp, base::name_of(s.activation));
}

template <class Real>
void normals(const char* purpose, std::uint32_t step, Real* to, Index n) {
  base::RandomStream({.seed = 5}, base::Purpose(purpose), step)
      .normals(0, std::span(to, static_cast<std::size_t>(n)));
}

/// A stack with weights of a size at which attention is neither flat nor one-hot, an input, and a weight of
/// every output in the loss.
template <class Real>
struct Problem {
  explicit Problem(const StackShape& s)
      : shape(s), stack(s, kSequences), x({kWidth, kColumns}), weight({kWidth, kColumns}) {
    add_weights(shape, layout);
    weights.resize(static_cast<std::size_t>(layout.size()));
    std::vector<float> numbers(weights.size());  // the same in single and double precision
    normals("weights", 0, numbers.data(), layout.size());
    for (const compute::Tensor& t : layout.tensors()) {
      const bool about_one = t.name.ends_with("gain") || t.name.ends_with("mix");
      const float size = t.columns == 1 ? 0.3F : 1 / std::sqrt(static_cast<float>(t.columns));
      for (Index i = t.offset; i < t.offset + t.size(); ++i) {
        const auto at = static_cast<std::size_t>(i);
        weights[at] = static_cast<Real>((about_one ? 0.8F : 0.0F) + size * numbers[at]);
      }
    }
    std::vector<float> values(static_cast<std::size_t>(kWidth * kColumns));
    normals("x", 0, values.data(), x.size());
    std::copy(values.begin(), values.end(), x.data());
    normals("loss", 0, values.data(), x.size());
    std::copy(values.begin(), values.end(), weight.data());
  }

  View<const Real> output() { return stack.forward({&layout, column(weights)}, x); }
  double loss() { return static_cast<double>(output().matrix().cwiseProduct(weight.matrix()).sum()); }

  StackShape shape;
  compute::TensorLayout layout;
  std::vector<Real> weights;
  Stack<Real> stack;
  Array<Real> x;
  Array<Real> weight;
};

/// One sequence through the stack as its equations stand, token by token; x becomes the output.
struct Reference {
  const Problem<double>& problem;
  std::vector<Eigen::MatrixXd> attention{};  ///< of every layer and head, keys by queries

  Eigen::MatrixXd weight(Index layer, const std::string& name) const {
    const std::string full = fmt::format("layer{}.{}", layer + 1, name);
    return view_of(problem.weights.data(), problem.layout.at(full)).matrix();
  }

  Vector read(Index layer, const std::string& norm, const Vector& x) const {
    if (!problem.shape.layer_norm) return x;
    double mean = 0;
    for (const double v : x) mean += v / kWidth;
    double variance = 0;
    for (const double v : x) variance += (v - mean) * (v - mean) / kWidth;
    Vector n = x;
    for (Index i = 0; i < kWidth; ++i) {
      n(i) = weight(layer, norm + ".gain")(i, 0) * (x(i) - mean) / std::sqrt(variance + 1e-5) +
             weight(layer, norm + ".shift")(i, 0);
    }
    return n;
  }

  Vector mixed(Index layer, const Vector& own, const Tokens& below) const {
    const StackShape& shape = problem.shape;
    Vector source = below.front();
    double terms = 2;
    if (shape.source == StreamSource::previous) source = below.back();
    if (shape.source == StreamSource::all) {
      for (std::size_t l = 1; l < below.size(); ++l) source += below[l];
      terms = static_cast<double>(below.size()) + 1;
    }
    if (shape.mix == StreamMix::sum) return own + source;
    if (shape.mix == StreamMix::mean) return (own + source) / terms;
    const Eigen::MatrixXd factor = weight(layer, "mix");
    Vector used = own;
    for (Index i = 0; i < kWidth; ++i)
      used(i) += factor(shape.mix == StreamMix::learned ? 0 : i / shape.head_width(), 0) * source(i);
    return used;
  }

  void operator()(Tokens& x) {
    const StackShape& shape = problem.shape;
    std::vector<Tokens> streamed(kTokens);  // of each token, the raw projections of the layers so far
    for (Index layer = 0; layer < shape.layers; ++layer) {
      Tokens q;
      Tokens k;
      Tokens v;
      for (std::size_t t = 0; t < kTokens; ++t) {
        const Vector n = read(layer, "norm", x[t]);
        q.emplace_back(weight(layer, "query") * n);
        k.emplace_back(weight(layer, "key") * n);
        v.emplace_back(weight(layer, "value") * n);
        if (shape.stream == Stream::none) continue;
        Vector& own = (shape.stream == Stream::query ? q : shape.stream == Stream::key ? k : v).back();
        const Vector raw = own;
        if (layer > 0) own = mixed(layer, own, streamed[t]);
        streamed[t].push_back(raw);
      }
      std::vector<Eigen::MatrixXd> p(static_cast<std::size_t>(shape.heads),
                                     Eigen::MatrixXd::Zero(kTokens, kTokens));
      for (std::size_t t = 0; t < kTokens; ++t) {
        Vector o = Vector::Zero(kWidth);
        for (Index h = 0; h < shape.heads; ++h) {
          const Index rows = kWidth / shape.heads;
          const double beta = shape.scaled ? 1 / std::sqrt(static_cast<double>(rows)) : 1;
          const auto column = static_cast<Index>(t);
          Eigen::MatrixXd& of_head = p[static_cast<std::size_t>(h)];
          double sum = 0;
          for (std::size_t j = 0; j <= t; ++j) {
            const double score = k[j].segment(h * rows, rows).dot(q[t].segment(h * rows, rows));
            sum += of_head(static_cast<Index>(j), column) = std::exp(beta * score);
          }
          of_head.col(column) /= sum;
          for (std::size_t j = 0; j <= t; ++j)
            o.segment(h * rows, rows) +=
                of_head(static_cast<Index>(j), column) * v[j].segment(h * rows, rows);
        }
        x[t] += shape.output_projection ? Vector(weight(layer, "output") * o) : o;
        if (shape.mlp == 0) continue;
        Vector a = weight(layer, "mlp.in") * read(layer, "mlp_norm", x[t]) + weight(layer, "mlp.in_bias");
        for (double& e : a) {
          e = shape.activation == Activation::relu ? std::max(e, 0.0)
                                                   : e * (1 + std::erf(e / std::sqrt(2.0))) / 2;
        }
        x[t] += weight(layer, "mlp.out") * a + weight(layer, "mlp.out_bias");
      }
      attention.insert(attention.end(), p.begin(), p.end());
    }
  }
};

}  // namespace

TEST_CASE("outputs and attention are those of the equations, token by token") {
  const compute::SingleThreadedBlas one_thread;
  for (const StackShape& shape : shapes()) {
    CAPTURE(words(shape));
    Problem<double> problem(shape);
    const auto y = problem.output().matrix();
    for (Index s = 0; s < kSequences; ++s) {
      Tokens x;
      for (Index t = 0; t < kTokens; ++t) x.emplace_back(problem.x.matrix().col(s * kTokens + t));
      Reference reference{problem};
      reference(x);
      for (Index t = 0; t < kTokens; ++t) {
        const Vector& expected = x[static_cast<std::size_t>(t)];
        // Some tens of roundings a layer.
        CHECK((y.col(s * kTokens + t) - expected).norm() <= 2e-14 * (1 + expected.norm()));
      }
      for (Index l = 0; l < shape.layers; ++l) {
        for (Index h = 0; h < shape.heads; ++h) {
          const auto p = problem.stack.attention(l, h).middle_columns(s * kTokens, kTokens);
          CHECK((p.matrix() - reference.attention[static_cast<std::size_t>(l * shape.heads + h)])
                    .cwiseAbs()
                    .maxCoeff() <= 2e-14);
        }
      }
    }
  }
}

TEST_CASE("gradients of every tensor and of the input are those of central differences") {
  const compute::SingleThreadedBlas one_thread;
  for (const StackShape& shape : shapes()) {
    CAPTURE(words(shape));
    Problem<double> problem(shape);
    // Twice, as nothing of a pass may be left for the next; and the gradient is added to what is there.
    std::vector<double> gradient(problem.weights.size());
    Array<double> dx({kWidth, kColumns});
    for (int pass = 0; pass < 2; ++pass) {
      std::ranges::fill(gradient, 0.25);
      dx.matrix() = problem.weight.matrix();
      problem.output();
      problem.stack.backward({&problem.layout, column(problem.weights)}, dx,
                             {&problem.layout, column(gradient)});
    }
    for (double& g : gradient) g -= 0.25;

    const auto check = [&](const std::string& name, double* values, const double* of_values, Index n) {
      CAPTURE(name);
      const Eigen::Map<const Vector> g(of_values, n);
      Eigen::Map<Vector> w(values, n);
      const Vector before = w;
      Vector direction(n);
      normals("direction", 0, direction.data(), n);
      const double slope = tests::derivative(
          [&](double step) {
            w = before + step * direction;
            return problem.loss();
          },
          g.norm());
      w = before;
      REQUIRE(g.norm() > 0);
      CHECK(std::abs(g.dot(direction) - slope) <= 1e-7 * g.norm());
    };
    for (const compute::Tensor& t : problem.layout.tensors())
      check(t.name, problem.weights.data() + t.offset, gradient.data() + t.offset, t.size());
    check("input", problem.x.data(), dx.data(), dx.size());
  }
}

TEST_CASE("a later token, and another sequence, change nothing") {
  for (const StackShape& shape : shapes()) {
    CAPTURE(words(shape));
    Problem<double> problem(shape);
    const Eigen::MatrixXd before = problem.output().matrix();
    const Index changed = 2;
    problem.x.matrix().col(changed).array() += 0.5 * problem.weight.matrix().col(0).array();
    const Eigen::MatrixXd after = problem.output().matrix();
    CHECK(after.leftCols(changed) == before.leftCols(changed));
    CHECK(after.rightCols(kTokens) == before.rightCols(kTokens));
    for (Index t = changed; t < kTokens; ++t) CHECK(after.col(t) != before.col(t));
  }
}

TEST_CASE("scaled scores are those of keys that are shorter by the root of a head's rows") {
  for (StackShape shape : blocks()) {
    shape.heads = 2;
    shape.scaled = true;
    CAPTURE(words(shape));
    Problem<double> scaled(shape);
    shape.scaled = false;
    Problem<double> plain(shape);
    for (const char* const key : {"layer1.key", "layer2.key"})
      view_of(scaled.weights.data(), scaled.layout.at(key)).matrix() *= 2;  // exactly √4
    CHECK(scaled.output().matrix() == plain.output().matrix());
  }
}

TEST_CASE("float follows double") {
  for (StackShape shape : blocks()) {
    shape.layers = 3;
    shape.heads = 2;
    shape.stream = Stream::value;
    CAPTURE(words(shape));
    Problem<float> single(shape);
    Problem<double> reference(shape);
    const Eigen::MatrixXd expected = reference.output().matrix();
    // Three layers of some tens of roundings, and attention that follows its scores.
    CHECK((single.output().matrix().cast<double>() - expected).norm() <= 1e-5 * expected.norm());
    std::vector<float> g(single.weights.size());
    std::vector<double> h(g.size());
    single.stack.backward({&single.layout, column(single.weights)}, single.weight,
                          {&single.layout, column(g)});
    reference.stack.backward({&reference.layout, column(reference.weights)}, reference.weight,
                             {&reference.layout, column(h)});
    const Eigen::Map<const Eigen::VectorXf> of_single(g.data(), static_cast<Index>(g.size()));
    const Eigen::Map<const Vector> of_reference(h.data(), static_cast<Index>(h.size()));
    CHECK((of_single.cast<double>() - of_reference).norm() <= 1e-5 * of_reference.norm());
  }
}

TEST_CASE(
    "a stack moves with what it remembers; wrong shapes are bugs, heads that do not fit the user's mistake") {
  StackShape shape = blocks().back();
  shape.stream = Stream::key;
  Problem<double> problem(shape);
  std::vector<double> expected(problem.weights.size());
  Array<double> d = problem.weight.to(compute::kCpu);
  problem.output();
  problem.stack.backward({&problem.layout, column(problem.weights)}, d, {&problem.layout, column(expected)});
  problem.output();
  Stack<double> moved = std::move(problem.stack);
  std::vector<double> gradient(problem.weights.size());
  d = problem.weight.to(compute::kCpu);
  moved.backward({&problem.layout, column(problem.weights)}, d, {&problem.layout, column(gradient)});
  CHECK(gradient == expected);

  Array<double> short_one({kWidth, kColumns - 1});
  Array<double> narrow({kWidth - 1, kColumns});
  for (Array<double>* wrong : {&short_one, &narrow}) {
    CHECK_THROWS_AS(moved.forward({&problem.layout, column(problem.weights)}, *wrong), base::Bug);
    CHECK_THROWS_AS(moved.backward({&problem.layout, column(problem.weights)}, *wrong,
                                   {&problem.layout, column(gradient)}),
                    base::Bug);
  }
  CHECK_THROWS_AS(Stack<double>({.width = kWidth, .tokens = kTokens, .heads = 3}, 1), base::UserError);
}

namespace {

/// Outputs, gradients of the weights and of the input of two networks, of one sequence each, side by side.
template <class Real>
struct SideBySide {
  SideBySide(const Problem<Real>& problem, compute::Device device)
      : output({kWidth, kColumns}), gradient({problem.layout.size(), 2}), dx({kWidth, kColumns}) {
    Array<Real> weights({problem.layout.size(), 2});
    for (Index i = 0; i < weights.rows(); ++i) {
      weights.matrix()(i, 0) = problem.weights[static_cast<std::size_t>(i)];
      weights.matrix()(i, 1) = Real{0.5} * problem.weights[static_cast<std::size_t>(i)];
    }
    weights = weights.to(device);
    gradient.matrix().setZero();
    gradient = gradient.to(device);
    dx = problem.weight.to(device);
    const Array<Real> x = problem.x.to(device);
    Stack<Real> stack(problem.shape, kSequences + 1, device);
    const compute::Tensors<const Real> w{&problem.layout, weights};
    Array<Real> copied({kWidth, kColumns}, device);
    const View<const Real> result = stack.forward(w, x);
    compute::copy(device, copied.data(), device, result.data,
                  static_cast<std::size_t>(copied.size()) * sizeof(Real));
    stack.backward(w, dx, {&problem.layout, gradient});
    output = copied.to(compute::kCpu);
    gradient = gradient.to(compute::kCpu);
    dx = dx.to(compute::kCpu);
  }

  Array<Real> output;
  Array<Real> gradient;
  Array<Real> dx;
};

}  // namespace

TEST_CASE("networks side by side are each what they are alone, with every block and stream") {
  const compute::SingleThreadedBlas one_thread;
  for (const StackShape& shape : shapes()) {
    CAPTURE(words(shape));
    Problem<double> problem(shape);
    const SideBySide<double> both(problem, compute::kCpu);
    for (Index network = 0; network < 2; ++network) {
      std::vector<double> weights = problem.weights;
      if (network == 1)
        for (double& w : weights) w *= 0.5;
      const auto sequence = [&](const Array<double>& of_both) {
        return View<const double>(of_both).middle_columns(network * kTokens, kTokens);
      };
      Stack<double> stack(shape, 1);
      CHECK(stack.forward({&problem.layout, column(std::as_const(weights))}, sequence(problem.x)).matrix() ==
            sequence(both.output).matrix());
      std::vector<double> gradient(weights.size());
      Array<double> d({kWidth, kTokens});
      d.matrix() = sequence(problem.weight).matrix();
      stack.backward({&problem.layout, column(std::as_const(weights))}, d,
                     {&problem.layout, column(gradient)});
      CHECK(Eigen::Map<const Vector>(gradient.data(), static_cast<Index>(gradient.size())) ==
            both.gradient.matrix().col(network));
      CHECK(d.matrix() == sequence(both.dx).matrix());
    }
  }
}

TEST_CASE_TEMPLATE("the GPU gives the CPU's numbers", Real, float, double) {
  const auto device = tests::gpu();
  if (!device) return;
  const compute::SingleThreadedBlas one_thread;
  for (const StackShape& shape : shapes()) {
    CAPTURE(words(shape));
    const Problem<Real> problem(shape);
    const SideBySide<Real> here(problem, compute::kCpu);
    const SideBySide<Real> there(problem, *device);
    const auto deviation = [](const Array<Real>& a, const Array<Real>& b) {
      return static_cast<double>((a.matrix() - b.matrix()).norm() / b.matrix().norm());
    };
    // As between float and double: up to three layers of some tens of roundings, on both sides.
    const double bound = 100 * static_cast<double>(std::numeric_limits<Real>::epsilon());
    CHECK(deviation(there.output, here.output) <= bound);
    CHECK(deviation(there.gradient, here.gradient) <= bound);
    CHECK(deviation(there.dx, here.dx) <= bound);
  }
}
