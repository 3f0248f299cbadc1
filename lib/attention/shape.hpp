#pragma once
// What a stack of attention layers is made of: heads, and a residual stream between them.

#include <span>
#include <string_view>

#include "ecphory/compute/tensors.hpp"

namespace ecphory::attention {

using compute::Index;

/// Which projection of a head also gets that of a layer below (Burns, Fukai & Earls 2024, arXiv 2412.15113).
enum class Stream { none, query, key, value };
std::span<const std::string_view> names(Stream);

/// From where: the layer below, the sum of all layers below, or the first layer (as in ResFormer, Zhou et al.
/// 2024, arXiv 2410.17897). Always the raw projections W x, before a stream is added to them.
enum class StreamSource { previous, all, first };
std::span<const std::string_view> names(StreamSource);

/// How: added, averaged over all terms, or added with a learned factor of each layer, or each head.
enum class StreamMix { sum, mean, learned, learned_heads };
std::span<const std::string_view> names(StreamMix);

struct StackShape {
  Index width = 0;   ///< W, neurons of a token
  Index tokens = 0;  ///< T, tokens of a sequence
  Index layers = 2;
  Index heads = 1;      ///< each has width/heads rows of the projections
  bool scaled = false;  ///< scores times 1/√(width/heads)
  Stream stream = Stream::none;
  StreamSource source = StreamSource::previous;
  StreamMix mix = StreamMix::sum;

  Index head_width() const { return width / heads; }
  bool has_learned_mix() const {
    return stream != Stream::none && (mix == StreamMix::learned || mix == StreamMix::learned_heads);
  }
};

/// Throws UserError (keys of the section `model`) for heads that do not divide the width.
void check(const StackShape& shape);

/// Appends the weights of the stack: `layer1.query`, `layer1.key`, `layer1.value` (width, width) and, for a
/// learned mix from the second layer on, `layer2.mix` (1 or heads, 1).
void add_weights(const StackShape& shape, compute::TensorLayout& layout);

/// Factors of the streamed projection: used = own · raw + stream · source.
struct MixFactors {
  double own = 1;
  double stream = 1;  ///< for a learned mix, times the weight
};
MixFactors factors(const StackShape& shape, Index layer);

}  // namespace ecphory::attention
