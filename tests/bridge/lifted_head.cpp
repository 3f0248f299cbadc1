#include "ecphory/bridge/lifted_head.hpp"

#include <cmath>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ecphory/base/named_enum.hpp"
#include "ecphory/base/random.hpp"
#include "ecphory/bridge/agreement.hpp"
#include "ecphory/dynamics/certificate.hpp"
#include "ecphory/dynamics/simulate.hpp"

#include "refusal.hpp"

using namespace ecphory;
using namespace ecphory::bridge;
using attention::StackShape;
using attention::Stream;
using attention::StreamMix;
using attention::StreamSource;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr Index kWidth = 8;
constexpr Index kTokens = 5;
constexpr Index kSequences = 3;

MatrixXd normals(Index rows, Index columns, std::uint32_t number, double deviation) {
  MatrixXd x(rows, columns);
  base::RandomStream({.seed = 9}, base::Purpose("lifted"), number)
      .normals(0, std::span(x.data(), static_cast<std::size_t>(x.size())));
  return deviation * x;
}

/// A stack with random weights, and sequences for it.
struct Problem {
  explicit Problem(const StackShape& s) : shape(s), x(normals(kWidth, kTokens * kSequences, 2, 1)) {
    attention::add_weights(shape, layout);
    block = normals(layout.size(), 1, 1, 0.4);
  }
  compute::Tensors<const double> weights() const {
    return {&layout, {block.data(), block.size(), 1, block.size()}};
  }
  compute::View<const double> tokens() const { return {x.data(), x.rows(), x.cols(), x.rows()}; }
  LiftedHead lifted(Index layer, Index head, Index query = -1) const {
    return lift(shape, weights(), tokens(), layer, head, query);
  }
  /// Tokens after the first `layers` layers.
  MatrixXd after(Index layers) const {
    if (layers == 0) return x;
    StackShape some = shape;
    some.layers = layers;
    attention::Stack<double> stack(some, kSequences);
    return stack.forward(weights(), tokens()).matrix();
  }

  StackShape shape;
  compute::TensorLayout layout;
  VectorXd block;
  MatrixXd x;
};

std::vector<StackShape> shapes() {
  std::vector<StackShape> all;
  for (const Index heads : {1, 2, 4}) {
    for (const bool output_projection : {false, true}) {
      const StackShape plain{.width = kWidth,
                             .tokens = kTokens,
                             .layers = 3,
                             .heads = heads,
                             .scaled = heads == 2,
                             .output_projection = output_projection,
                             .mlp = heads == 4 ? 7 : 0};
      all.push_back(plain);
      for (const Stream stream : {Stream::query, Stream::key, Stream::value}) {
        for (const StreamSource source : {StreamSource::previous, StreamSource::all, StreamSource::first}) {
          for (const StreamMix mix :
               {StreamMix::sum, StreamMix::mean, StreamMix::learned, StreamMix::learned_heads}) {
            StackShape shape = plain;
            shape.stream = stream;
            shape.source = source;
            shape.mix = mix;
            all.push_back(shape);
          }
        }
      }
    }
  }
  return all;
}

/// The network's states after one step without end: exponential Euler over 100 τ.
MatrixXd after_one_step(const LiftedHead& head, bool residual) {
  const dynamics::Network<double> network = network_of(head, 1, residual);
  return dynamics::simulate<double>(
             network, head.state,
             {.duration = 100, .integrator = {.method = dynamics::Method::exponential_euler}, .step = 100})
      .state;
}

}  // namespace

TEST_CASE("one step of a lifted head without end is the head's own output, with every stream") {
  for (const StackShape& shape : shapes()) {
    const Problem problem(shape);
    for (Index layer = 1; layer <= shape.layers; ++layer) {
      for (const Index query : {Index{-1}, Index{0}, Index{2}}) {
        CAPTURE(base::name_of(shape.stream));
        CAPTURE(base::name_of(shape.source));
        CAPTURE(base::name_of(shape.mix));
        CAPTURE(shape.heads);
        CAPTURE(layer);
        CAPTURE(query);
        MatrixXd sum = MatrixXd::Zero(kWidth, kSequences);
        for (Index head = 1; head <= shape.heads; ++head) {
          const LiftedHead lifted = problem.lifted(layer, head, query);
          CHECK((after_one_step(lifted, false) - lifted.output).norm() <= 1e-13 * lifted.output.norm());
          sum += lifted.output;
          const LiftedHead one = only(lifted, 1);
          CHECK((after_one_step(one, false) - lifted.output.col(1)).norm() <=
                1e-13 * lifted.output.col(1).norm());
        }
        if (shape.mlp > 0) continue;  // which would add to the token as well
        // And the heads together are what the layer adds to its token.
        const Index asks = query < 0 ? kTokens - 1 : query;
        const MatrixXd before = problem.after(layer - 1);
        const MatrixXd after = problem.after(layer);
        for (Index s = 0; s < kSequences; ++s) {
          const VectorXd added = after.col(s * kTokens + asks) - before.col(s * kTokens + asks);
          CHECK((sum.col(s) - added).norm() <= 1e-13 * (1 + added.norm()));
        }
        if (shape.heads > 1) continue;
        // Without the leak it is the layer: x + Attn(x).
        const LiftedHead lifted = problem.lifted(layer, 1, query);
        const MatrixXd stepped = after_one_step(lifted, true);
        for (Index s = 0; s < kSequences; ++s) {
          CHECK((stepped.col(s) - after.col(s * kTokens + asks)).norm() <=
                1e-13 * (1 + stepped.col(s).norm()));
        }
      }
    }
  }
}

TEST_CASE("a lifted head is an attention layer again") {
  const Problem problem({.width = kWidth, .tokens = kTokens, .stream = Stream::query});
  const LiftedHead one = only(problem.lifted(2, 1), 2);
  const dynamics::Network<double> network = network_of(one, 10);
  const auto form = attention_form(network, 7, 5);
  REQUIRE(form.layer.heads.size() == 1);
  CHECK(form.layer.heads[0].keys->matrix() == one.keys);
  CHECK(form.layer.heads[0].values->matrix() == one.values);
  CHECK(form.layer.heads[0].bias == one.bias);
  CHECK(form.layer.heads[0].beta == one.beta);
  for (const double deviation :
       deviations<double>(network, form, one.state,
                          {.integrator = {.method = dynamics::Method::exponential_euler}, .step = form.step}))
    CHECK(deviation <= 1e-13);
}

TEST_CASE("the certificate finds an energy where there is one") {
  // Keys and values by hand: V = 3 K̃ + d, of an associative head.
  LiftedHead head{.beta = 2, .tokens = 4, .sequences = 1};
  head.keys = normals(6, 4, 20, 0.5);
  const VectorXd shift = normals(6, 1, 21, 1);
  head.values = (3 * head.keys).colwise() + shift;
  head.bias = normals(4, 1, 22, 1);
  head.state = normals(6, 1, 23, 1);
  const MatrixXd root = normals(6, 6, 24, 1);
  head.query_key = root + root.transpose();
  const HeadCertificate tied = certify(head, 0);
  CHECK(tied.has_energy());
  CHECK(tied.scale == doctest::Approx(3));
  CHECK(tied.untied < 1e-14);
  CHECK(tied.antisymmetric < 1e-15);
  CHECK(tied.rotation < 1e-14);
  CHECK(tests::contains(tied.text(), "has an energy"));

  // Its gradient is the flow: V softmax(…) − x = −∇E, by central differences.
  const VectorXd x = head.state.col(0);
  const VectorXd target = after_one_step(head, false);
  for (Index i = 0; i < 6; ++i) {
    const double h = 1e-5;
    VectorXd up = x;
    VectorXd down = x;
    up[i] += h;
    down[i] -= h;
    const double slope = (nearest_energy(head, 0, up) - nearest_energy(head, 0, down)) / (2 * h);
    CHECK(slope == doctest::Approx(x[i] - target[i]).epsilon(1e-6));
  }

  // Values of their own, along the keys by a known share: |rest|² / |V|² = sin².
  LiftedHead untied = head;
  MatrixXd other = normals(6, 4, 25, 1);
  other.colwise() -= other.rowwise().mean().eval();
  const MatrixXd kc = head.keys.colwise() - head.keys.rowwise().mean().eval();
  other -= other.cwiseProduct(kc).sum() / kc.squaredNorm() * kc;  // at right angles to the keys
  untied.values = kc / kc.norm() * std::cos(0.4) + other / other.norm() * std::sin(0.4);
  CHECK(certify(untied, 0).untied == doctest::Approx(std::sin(0.4)));
  CHECK(!certify(untied, 0).has_energy());
  CHECK(certify(untied, 0).rotation > 0.01);

  // Memories that repel have an energy too, of which the flow is the gradient as well.
  LiftedHead repelling = head;
  repelling.values = (-2 * head.keys).colwise() + shift;
  CHECK(certify(repelling, 0).has_energy());
  CHECK(certify(repelling, 0).scale == doctest::Approx(-2));
  CHECK(tests::contains(certify(repelling, 0).text(), "repel"));
  const VectorXd away = after_one_step(repelling, false);
  for (Index i = 0; i < 6; ++i) {
    VectorXd up = x;
    VectorXd down = x;
    up[i] += 1e-5;
    down[i] -= 1e-5;
    const double slope = (nearest_energy(repelling, 0, up) - nearest_energy(repelling, 0, down)) / 2e-5;
    CHECK(slope == doctest::Approx(x[i] - away[i]).epsilon(1e-6));
  }
  // And so does a head with nothing to choose between.
  LiftedHead one_token = head;
  one_token.tokens = 1;
  one_token.keys = head.keys.leftCols(1);
  one_token.values = untied.values.leftCols(1);
  one_token.bias = head.bias.topRows(1);
  CHECK(certify(one_token, 0).has_energy());
  CHECK(certify(one_token, 0).rotation == 0);
  CHECK(tests::contains(certify(one_token, 0).text(), "all one"));

  untied.query_key = root - root.transpose();
  CHECK(certify(untied, 0).antisymmetric == doctest::Approx(1));
  untied.query_key = normals(400, 400, 26, 1);
  CHECK(certify(untied, 0).antisymmetric == doctest::Approx(std::sqrt(0.5)).epsilon(0.01));
}

TEST_CASE("effective beta is that of a modern network of patterns of length 1") {
  LiftedHead head{.beta = 5, .tokens = 300, .sequences = 1};
  head.keys = normals(200, 300, 30, 1);
  head.keys.colwise().normalize();
  head.values = head.keys;
  head.bias = VectorXd::Zero(300);
  head.state = head.keys.col(0);
  head.query_key = MatrixXd::Identity(200, 200);
  CHECK(effective_beta(head, 0) == doctest::Approx(5).epsilon(0.01));
  // It is the same head in other units of keys, values and β; and common to all keys is nothing to softmax.
  LiftedHead other = head;
  other.beta = 5.0 / 6;
  other.keys *= 2;
  other.values *= 3;
  other.keys.colwise() += normals(200, 1, 31, 7).col(0);
  other.values.colwise() += normals(200, 1, 32, 7).col(0);
  CHECK(effective_beta(other, 0) == doctest::Approx(effective_beta(head, 0)));
}

TEST_CASE("what is not there is refused") {
  const Problem problem({.width = kWidth, .tokens = kTokens, .layers = 2, .heads = 2});
  const auto refusal = [&](Index layer, Index head, Index query) {
    return tests::refusal([&] { problem.lifted(layer, head, query); });
  };
  CHECK(tests::contains(refusal(3, 1, -1), "there is no layer 3"));
  CHECK(tests::contains(refusal(3, 1, -1), "1 to 2"));
  CHECK(tests::contains(refusal(1, 0, -1), "there is no head 0"));
  CHECK(tests::contains(refusal(1, 1, 5), "there is no token 5"));
  Problem wide(problem.shape);
  wide.x = normals(kWidth + 1, kTokens, 3, 1);
  const std::string width = tests::refusal([&] { wide.lifted(1, 1); });
  CHECK(tests::contains(width, "9 x 5"));
  CHECK(tests::contains(width, "width 8"));
  const Problem normed({.width = kWidth, .tokens = kTokens, .layer_norm = true});
  CHECK(tests::contains(tests::refusal([&] { normed.lifted(1, 1); }), "layer norm"));
}
