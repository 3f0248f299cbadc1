#pragma once
// The two-layer Transformer that learns in context, with a residual stream between its attention heads.
//
//   x ← x + Attn_l(x)       l = 1 … layers: causal, no scale, no layer norm; one of the projections of layers
//                           2 … gets that of a layer below (attention/shape.hpp)
//   x ← relu(W_m x + b_m)   m = 1 … 3, b_m one number, of the last token
//   logits = R x            and the cross-entropy with the query's label
//
// Burns, Fukai & Earls (2024, arXiv 2412.15113, section 4), after Reddy (2024, arXiv 2312.03002).

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ecphory/attention/readout.hpp"
#include "ecphory/attention/shape.hpp"
#include "ecphory/base/parameters.hpp"
#include "ecphory/base/random.hpp"
#include "ecphory/models/model.hpp"

namespace ecphory::models {

/// The weights before training: as published, those constructed from AMICL (amicl_weights.hpp), or its
/// attention with a published read-out.
enum class Initial { random, amicl, amicl_attention };
std::span<const std::string_view> names(Initial);

struct IclTransformerParameters {
  std::int64_t layers = 2;
  std::int64_t heads = 1;
  attention::Stream stream = attention::Stream::none;
  attention::StreamSource source = attention::StreamSource::previous;
  attention::StreamMix mix = attention::StreamMix::sum;
  std::int64_t mlp_layers = 3;
  Initial initial = Initial::random;
  double initial_a = 2.0;
  double initial_beta = 30.0;
};

/// Settings of the section `model`.
const base::ParameterTable<IclTransformerParameters>& icl_transformer_table();

Model icl_transformer();

/// What data of a task ask of the network.
struct IclTransformerShape {
  attention::StackShape stack;  ///< width = positions + content
  attention::ReadoutShape readout;
  compute::Index positions = 0;

  compute::TensorLayout layout() const;
};
IclTransformerShape shape_of(const IclTransformerParameters& parameters, compute::Index positions,
                             compute::Index content, compute::Index tokens, compute::Index labels);

/// Initial weights as published, W being the width and D the content's: projections N(0, 1/D), layers of the
/// read-out N(0, 2/W) with bias N(0, 1/W), the linear map N(0, 1/W); factors of a learned mix 1.
template <class Real>
std::vector<Real> initial_weights(const IclTransformerShape& shape, const base::RandomKey& key);

extern template std::vector<float> initial_weights<float>(const IclTransformerShape&, const base::RandomKey&);
extern template std::vector<double> initial_weights<double>(const IclTransformerShape&,
                                                            const base::RandomKey&);
}  // namespace ecphory::models
