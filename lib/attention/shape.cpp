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

void check(const StackShape& shape) {
  if (shape.heads > 0 && shape.width % shape.heads == 0) return;
  throw base::UserError(
      {.key = "model.heads",
       .problem = fmt::format("{} heads do not divide a width of {}", shape.heads, shape.width),
       .expected = "a divisor of the width (positions + task.dimension)"});
}

void add_weights(const StackShape& shape, compute::TensorLayout& layout) {
  for (Index layer = 0; layer < shape.layers; ++layer) {
    for (const char* const what : {"query", "key", "value"})
      layout.add(fmt::format("layer{}.{}", layer + 1, what), shape.width, shape.width);
    if (layer > 0 && shape.has_learned_mix())
      layout.add(fmt::format("layer{}.mix", layer + 1), shape.mix == StreamMix::learned ? 1 : shape.heads, 1);
  }
}

MixFactors factors(const StackShape& shape, Index layer) {
  if (shape.mix != StreamMix::mean) return {};
  const double terms = shape.source == StreamSource::all ? static_cast<double>(layer + 1) : 2;
  return {.own = 1 / terms, .stream = 1 / terms};
}

}  // namespace ecphory::attention
