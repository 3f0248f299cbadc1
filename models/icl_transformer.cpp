#include "ecphory/models/icl_transformer.hpp"

#include <array>
#include <cmath>

#include "ecphory/tasks/gaussian_mixture.hpp"

namespace ecphory::models {

using compute::Index;
using compute::TensorLayout;

std::span<const std::string_view> names(Initial) {
  static constexpr std::array<std::string_view, 3> kNames = {"random", "amicl", "amicl_attention"};
  return kNames;
}

const base::ParameterTable<IclTransformerParameters>& icl_transformer_table() {
  using P = IclTransformerParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("layers", &P::layers, "1", "attention layers", base::between(1, 64))
          .add("heads", &P::heads, "1", "attention heads of a layer; they divide the width",
               base::between(1, 1024))
          .add("stream", &P::stream, "1", "which projections get those of a layer below")
          .add("source", &P::source, "1", "from where: the previous layer, all below summed, or the first")
          .when("model.stream != \"none\"")
          .add("mix", &P::mix, "1", "how: as a sum, a mean, or with a learned factor of each layer or head")
          .when("model.stream != \"none\"")
          .add("mlp_layers", &P::mlp_layers, "1", "layers relu(W x + b) before the linear read-out",
               base::between(0, 64))
          .add("initial", &P::initial, "1",
               "weights before training: drawn; constructed from AMICL; or its attention, the read-out drawn")
          .add("initial_a", &P::initial_a, "1", "AMICL's weight of the preceding token in keys and queries",
               base::above(0))
          .when("model.initial != \"random\"")
          .add("initial_beta", &P::initial_beta, "1", "AMICL's inverse temperature",
               {.low = 0, .high = 1e6, .low_excluded = true})
          .when("model.initial != \"random\"");
  return table;
}

Model icl_transformer() {
  std::vector<base::Parameter> parameters = icl_transformer_table().parameters();
  const auto& task = tasks::gaussian_mixture_table().parameters();
  parameters.insert(parameters.end(), task.begin(), task.end());
  return {.name = "icl_transformer",
          .title = "Transformer that learns in context, with residual streams between its attention heads",
          .equation =
              "x_t = one-hot position above the content: item, label, item, label, ... item\n"
              "q = W_Q x, k = W_K x, v = W_V x in each layer; one of them gets that of a layer below\n"
              "x_i <- x_i + sum_{j <= i} p_ij v_j, p_i = softmax(k_j . q_i)\n"
              "x <- relu(W_m x + b_m) of the last token, m = 1 ... mlp_layers; logits = R x\n"
              "loss = cross-entropy with the label of the last item",
          .source = "Burns, Fukai & Earls (2024), arXiv 2412.15113, after Reddy (2024), arXiv 2312.03002",
          .parameters = std::move(parameters)};
}

IclTransformerShape shape_of(const IclTransformerParameters& p, Index positions, Index content, Index tokens,
                             Index labels) {
  const Index width = positions + content;
  return {.stack = {.width = width,
                    .tokens = tokens,
                    .layers = p.layers,
                    .heads = p.heads,
                    .scaled = false,
                    .stream = p.stream,
                    .source = p.source,
                    .mix = p.mix},
          .readout = {.width = width, .labels = labels, .layers = p.mlp_layers},
          .positions = positions};
}

TensorLayout IclTransformerShape::layout() const {
  TensorLayout layout;
  attention::add_weights(stack, layout);
  attention::add_weights(readout, layout);
  return layout;
}

template <class Real>
std::vector<Real> initial_weights(const IclTransformerShape& shape, const base::RandomKey& key) {
  const TensorLayout layout = shape.layout();
  std::vector<float> normals(static_cast<std::size_t>(layout.size()));
  base::RandomStream(key, base::Purpose("icl_transformer.weights")).normals(0, std::span(normals));
  std::vector<Real> weights(normals.size());
  const auto width = static_cast<double>(shape.stack.width);
  const auto content = static_cast<double>(shape.stack.width - shape.positions);
  for (const compute::Tensor& t : layout.tensors()) {
    const bool is_mix = t.name.ends_with(".mix");
    double deviation = 1 / std::sqrt(content);
    if (t.name.starts_with("mlp")) deviation = std::sqrt((t.name.ends_with(".weight") ? 2 : 1) / width);
    if (t.name.starts_with("readout")) deviation = 1 / std::sqrt(width);
    for (Index i = t.offset; i < t.offset + t.size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      weights[at] = is_mix ? Real{1} : static_cast<Real>(deviation) * static_cast<Real>(normals[at]);
    }
  }
  return weights;
}

template std::vector<float> initial_weights<float>(const IclTransformerShape&, const base::RandomKey&);
template std::vector<double> initial_weights<double>(const IclTransformerShape&, const base::RandomKey&);

}  // namespace ecphory::models
