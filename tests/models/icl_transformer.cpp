#include "ecphory/models/icl_transformer.hpp"

#include <cmath>

#include <doctest/doctest.h>

using namespace ecphory;
using attention::Stream;
using attention::StreamMix;

TEST_CASE("initial weights have the published deviation of each tensor, and mixes are 1") {
  const auto shape = models::shape_of({.stream = Stream::key, .mix = StreamMix::learned_heads}, 13, 7, 9, 4);
  const compute::TensorLayout layout = shape.layout();
  constexpr std::uint32_t kDraws = 400;  // a bias has one number a draw
  std::vector<double> squares(layout.tensors().size());
  std::vector<double> sums(layout.tensors().size());
  for (std::uint32_t draw = 0; draw < kDraws; ++draw) {
    const auto weights = models::initial_weights<double>(shape, {.seed = 2, .replicate = draw});
    const auto single = models::initial_weights<float>(shape, {.seed = 2, .replicate = draw});
    for (std::size_t i = 0; i < squares.size(); ++i) {
      const Eigen::MatrixXd w = view_of(weights.data(), layout.tensors()[i]).matrix();
      squares[i] += w.squaredNorm();
      sums[i] += w.sum();
      CHECK((w - view_of(single.data(), layout.tensors()[i]).matrix().cast<double>()).norm() <=
            1e-7 * w.norm());
    }
  }
  for (std::size_t i = 0; i < squares.size(); ++i) {
    const compute::Tensor& t = layout.tensors()[i];
    CAPTURE(t.name);
    const double n = static_cast<double>(t.size()) * kDraws;
    if (t.name.ends_with(".mix")) {
      CHECK((sums[i] == n && squares[i] == n));
      continue;
    }
    // W = 20 and D = 7. A variance of n normals is off by √(2/n) of itself, a mean by 1/√n deviations; four
    // times that.
    double variance = 1.0 / 7;
    if (t.name.starts_with("mlp")) variance = t.name.ends_with(".weight") ? 2.0 / 20 : 1.0 / 20;
    if (t.name.starts_with("readout")) variance = 1.0 / 20;
    CHECK(std::abs(squares[i] / n - variance) < 4 * std::sqrt(2 / n) * variance);
    CHECK(std::abs(sums[i] / n) < 4 * std::sqrt(variance / n));
  }
}
