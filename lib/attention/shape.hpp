#pragma once
// What a stack of attention layers is made of: heads, a residual stream between them, and what else the
// blocks of a Transformer have.

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

/// What neurons of an MLP do: max(x, 0), or x Φ(x) with the normal distribution Φ, exactly.
enum class Activation { relu, gelu };
std::span<const std::string_view> names(Activation);

struct StackShape {
  Index width = 0;   ///< W, neurons of a token
  Index tokens = 0;  ///< T, tokens of a sequence
  Index layers = 2;
  Index heads = 1;      ///< each has width/heads rows of the projections
  bool scaled = false;  ///< scores times 1/√(width/heads)
  Stream stream = Stream::none;
  StreamSource source = StreamSource::previous;
  StreamMix mix = StreamMix::sum;
  bool layer_norm = false;         ///< attention and MLP read the layer norm of x, with gain and shift
  bool output_projection = false;  ///< W_O on what the heads give, before it is added to x
  Index mlp = 0;                   ///< H, neurons of the MLP after each attention; 0 for none
  Activation activation = Activation::relu;  ///< of the MLP

  Index head_width() const { return width / heads; }
  bool has_learned_mix() const {
    return stream != Stream::none && (mix == StreamMix::learned || mix == StreamMix::learned_heads);
  }
};

/// Throws UserError (keys of the section `model`) for heads that do not divide the width. An MLP of fewer
/// than 0 neurons is a Bug.
void check(const StackShape& shape);

/// Appends the weights of the stack, those of each layer that the shape has:
///     layer1.norm.gain, layer1.norm.shift          (width, 1)
///     layer1.query, layer1.key, layer1.value       (width, width)
///     layer2.mix                                   (1 or heads, 1), learned, from the second layer on
///     layer1.output                                (width, width)
///     layer1.mlp_norm.gain, layer1.mlp_norm.shift  (width, 1)
///     layer1.mlp.in, layer1.mlp.in_bias            (mlp, width), (mlp, 1)
///     layer1.mlp.out, layer1.mlp.out_bias          (width, mlp), (width, 1)
void add_weights(const StackShape& shape, compute::TensorLayout& layout);

/// Factors of the streamed projection: used = own · raw + stream · source.
struct MixFactors {
  double own = 1;
  double stream = 1;  ///< for a learned mix, times the weight
};
MixFactors factors(const StackShape& shape, Index layer);

}  // namespace ecphory::attention
