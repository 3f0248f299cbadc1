#include "ecphory/attention/shape.hpp"

#include <array>

#include <fmt/format.h>

namespace ecphory::attention {

std::span<const std::string_view> names(Stream) {
  static constexpr std::array<std::string_view, 4> kNames = {"none", "query", "key", "value"};
  return kNames;
}

std::span<const std::string_view> names(StreamSource) {
  static constexpr std::array<std::string_view, 3> kNames = {"previous", "all", "first"};
  return kNames;
}

std::span<const std::string_view> names(StreamMix) {
  static constexpr std::array<std::string_view, 4> kNames = {"sum", "mean", "learned", "learned_heads"};
  return kNames;
}

std::span<const std::string_view> names(Activation) {
  static constexpr std::array<std::string_view, 2> kNames = {"relu", "gelu"};
  return kNames;
}

void check(const StackShape& shape) {
  base::ensure(shape.mlp >= 0, "an MLP has no fewer than 0 neurons");
  if (shape.heads > 0 && shape.width % shape.heads == 0) return;
  throw base::UserError(
      {.key = "model.heads",
       .problem = fmt::format("{} heads do not divide a width of {}", shape.heads, shape.width),
       .expected = "a divisor of the width (positions + task.dimension)"});
}

void add_weights(const StackShape& shape, compute::TensorLayout& layout) {
  const Index width = shape.width;
  for (Index layer = 0; layer < shape.layers; ++layer) {
    const auto add = [&](std::string_view what, Index rows, Index columns) {
      layout.add(fmt::format("layer{}.{}", layer + 1, what), rows, columns);
    };
    if (shape.layer_norm) {
      add("norm.gain", width, 1);
      add("norm.shift", width, 1);
    }
    for (const char* const what : {"query", "key", "value"}) add(what, width, width);
    if (layer > 0 && shape.has_learned_mix())
      add("mix", shape.mix == StreamMix::learned ? 1 : shape.heads, 1);
    if (shape.output_projection) add("output", width, width);
    if (shape.mlp == 0) continue;
    if (shape.layer_norm) {
      add("mlp_norm.gain", width, 1);
      add("mlp_norm.shift", width, 1);
    }
    add("mlp.in", shape.mlp, width);
    add("mlp.in_bias", shape.mlp, 1);
    add("mlp.out", width, shape.mlp);
    add("mlp.out_bias", width, 1);
  }
}

MixFactors factors(const StackShape& shape, Index layer) {
  if (shape.mix != StreamMix::mean) return {};
  const double terms = shape.source == StreamSource::all ? static_cast<double>(layer + 1) : 2;
  return {.own = 1 / terms, .stream = 1 / terms};
}

}  // namespace ecphory::attention
