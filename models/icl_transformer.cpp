#include "ecphory/models/icl_transformer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include <omp.h>

#include "ecphory/attention/stack.hpp"
#include "ecphory/attention/two_layer.hpp"
#include "ecphory/base/exception_slot.hpp"
#include "ecphory/compute/blas.hpp"
#include "ecphory/compute/cross_entropy.hpp"
#include "ecphory/tasks/gaussian_mixture.hpp"

namespace ecphory::models {

using attention::PositionedTokens;
using compute::Array;
using compute::Index;
using compute::TensorLayout;
using compute::View;

namespace {

constexpr Index kPart = 32;  ///< sequences that one thread works on at a time

}  // namespace

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
               base::between(0, 64));
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

Scores& Scores::operator+=(const Scores& other) {
  loss += other.loss;
  accuracy += other.accuracy;
  previous_token += other.previous_token;
  induction += other.induction;
  first_attention += other.first_attention;
  last_attention += other.last_attention;
  return *this;
}

Scores& Scores::operator*=(double factor) {
  loss *= factor;
  accuracy *= factor;
  previous_token *= factor;
  induction *= factor;
  first_attention *= factor;
  last_attention *= factor;
  return *this;
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

double numbers_at_work(const IclTransformerShape& shape, Form form, Index sequences) {
  const auto real = [](Index n) { return static_cast<double>(n); };
  const double parts = std::ceil(real(sequences) / real(kPart));
  const double width = real(shape.stack.width);
  const double tokens = real(shape.stack.tokens);
  const double layers = real(shape.stack.layers);
  const double weights = real(shape.layout().size());
  double of_token = width + tokens;  // z and p_1 of the two layers
  double of_sequence = 21 * width + 5 * tokens;
  double of_part = weights + width * width;
  if (form == Form::plain || !has_two_layer_form(shape.stack)) {
    const double streamed = shape.stack.stream == attention::Stream::none ? 0 : 1;
    of_token = (layers * (4 + streamed) + 8) * width + (layers * real(shape.stack.heads) + 1) * tokens;
    of_sequence = width;
    of_part = weights;
  }
  of_sequence += real(shape.readout.layers + 3) * width + 2 * real(shape.readout.labels);
  return parts * (real(kPart) * (tokens * of_token + of_sequence) + of_part) + width * width;
}

namespace {

/// What one thread needs for up to kPart sequences.
template <class Real>
struct Part {
  Part(const IclTransformerShape& shape, Form form)
      : readout(shape.readout, kPart), losses({1, kPart}), d_logits({shape.readout.labels, kPart}) {
    if (form == Form::shortcut && has_two_layer_form(shape.stack)) {
      two_layer.emplace(shape.stack, shape.positions, kPart);
      d_b = Array<Real>({shape.stack.width, shape.stack.width});
    }
    gradient.resize(static_cast<std::size_t>(shape.layout().size()));
    attention = Array<Real>({shape.stack.tokens, shape.stack.tokens + 1});
  }

  std::optional<attention::TwoLayer<Real>> two_layer;
  std::optional<attention::Stack<Real>> stack;  ///< of as many sequences as it was last given
  Index stack_sequences = 0;
  Array<Real> x;     ///< of the plain form (W, T · sequences)
  Array<Real> last;  ///< its last tokens (W, sequences)
  Array<Real> d;     ///< gradient of its output (W, T · sequences)
  attention::Readout<Real> readout;
  Array<Real> losses;
  Array<Real> d_logits;
  std::vector<Real> gradient;
  Array<Real> d_b;
  Array<Real> attention;  ///< of one sequence (T, T + 1)
};

}  // namespace

template <class Real>
struct IclTransformer<Real>::Implementation {
  IclTransformerShape shape;
  Form form;
  TensorLayout layout;
  Array<Real> b;  ///< what the two-layer form combines of the weights
  std::vector<std::unique_ptr<Part<Real>>> parts;

  void make_parts(Index n) {
    while (static_cast<Index>(parts.size()) < n) parts.push_back(std::make_unique<Part<Real>>(shape, form));
  }

  bool is_shortcut() const { return form == Form::shortcut && has_two_layer_form(shape.stack); }

  void prepare(const Real* weights) {
    if (is_shortcut()) parts.front()->two_layer->combine(layout, weights, b);
  }

  View<Real> forward(Part<Real>& part, const Real* weights, const PositionedTokens<Real>& tokens) {
    const Index n = tokens.sequences();
    View<const Real> last;
    if (part.two_layer) {
      last = part.two_layer->forward(layout, weights, b, tokens);
    } else {
      if (part.stack_sequences != n) {
        part.stack.emplace(shape.stack, n);
        part.stack_sequences = n;
        part.x = Array<Real>({shape.stack.width, n * tokens.tokens});
        part.d = Array<Real>({shape.stack.width, n * tokens.tokens});
        part.last = Array<Real>({shape.stack.width, n});
      }
      attention::write_out<Real>(tokens, part.x);
      const View<const Real> all = part.stack->forward(layout, weights, part.x);
      for (Index s = 0; s < n; ++s)
        part.last.matrix().col(s) = all.matrix().col(s * tokens.tokens + tokens.tokens - 1);
      last = part.last;
    }
    return part.readout.forward(layout, weights, last);
  }

  /// Attention of sequence s of what forward() was last given: of the first layer (T, T), and of the last
  /// token in the last layer (T, 1).
  void attention(Part<Real>& part, Index s, Index t, View<Real> first, View<Real> last) const {
    if (part.two_layer) {
      first.matrix() = part.two_layer->first_attention().middle_columns(s * t, t).matrix();
      last.matrix() = part.two_layer->last_attention().middle_columns(s, 1).matrix();
      return;
    }
    first.matrix().setZero();
    last.matrix().setZero();
    const Real share = 1 / static_cast<Real>(shape.stack.heads);
    for (Index h = 0; h < shape.stack.heads; ++h) {
      first.matrix() += share * part.stack->attention(0, h).middle_columns(s * t, t).matrix();
      last.matrix() +=
          share * part.stack->attention(shape.stack.layers - 1, h).middle_columns(s * t + t - 1, 1).matrix();
    }
  }

  double gradient(Part<Real>& part, const Real* weights, const PositionedTokens<Real>& tokens,
                  std::span<const std::int32_t> labels, double scale) {
    const Index n = tokens.sequences();
    std::ranges::fill(part.gradient, Real{0});
    const View<Real> logits = forward(part, weights, tokens);
    const View<Real> losses = View<Real>(part.losses).middle_columns(0, n);
    compute::cross_entropy<Real>(logits, labels, losses);
    const View<Real> d_logits = View<Real>(part.d_logits).middle_columns(0, n);
    compute::cross_entropy_backward<Real>(static_cast<Real>(scale), logits, labels, d_logits);
    const View<const Real> d_last = part.readout.backward(layout, weights, d_logits, part.gradient.data());
    if (part.two_layer) {
      part.d_b.matrix().setZero();
      part.two_layer->backward(layout, weights, d_last, part.gradient.data(), part.d_b);
    } else {
      part.d.matrix().setZero();
      for (Index s = 0; s < n; ++s)
        part.d.matrix().col(s * tokens.tokens + tokens.tokens - 1) = d_last.matrix().col(s);
      part.stack->backward(layout, weights, part.d, part.gradient.data());
    }
    double sum = 0;
    for (Index s = 0; s < n; ++s) sum += static_cast<double>(*losses.column(s));
    return sum;
  }
};

template <class Real>
IclTransformer<Real>::IclTransformer(const IclTransformerShape& shape, Form form)
    : implementation_(std::make_unique<Implementation>()) {
  check(shape.stack);
  implementation_->layout = shape.layout();
  implementation_->b = Array<Real>({shape.stack.width, shape.stack.width});
  implementation_->shape = shape;
  implementation_->form = form;
}

template <class Real>
IclTransformer<Real>::~IclTransformer() = default;
template <class Real>
IclTransformer<Real>::IclTransformer(IclTransformer&&) noexcept = default;
template <class Real>
IclTransformer<Real>& IclTransformer<Real>::operator=(IclTransformer&&) noexcept = default;

template <class Real>
const TensorLayout& IclTransformer<Real>::layout() const {
  return implementation_->layout;
}

namespace {

Index parts_of(Index sequences) { return (sequences + kPart - 1) / kPart; }

template <class Real>
PositionedTokens<Real> part_of(const PositionedTokens<Real>& tokens, Index part) {
  return tokens.part(part * kPart, std::min(kPart, tokens.sequences() - part * kPart));
}

std::span<const std::int32_t> part_of(std::span<const std::int32_t> labels, Index part) {
  const auto first = static_cast<std::size_t>(part * kPart);
  return labels.subspan(first, std::min(static_cast<std::size_t>(kPart), labels.size() - first));
}

}  // namespace

template <class Real>
void IclTransformer<Real>::logits(std::span<const Real> weights, const PositionedTokens<Real>& tokens,
                                  View<Real> to) {
  Implementation& it = *implementation_;
  const compute::SingleThreadedBlas one_thread;
  it.make_parts(1);
  it.prepare(weights.data());
  for (Index i = 0; i < parts_of(tokens.sequences()); ++i) {
    const auto part = part_of(tokens, i);
    to.middle_columns(i * kPart, part.sequences()).matrix() =
        it.forward(*it.parts.front(), weights.data(), part).matrix();
  }
}

template <class Real>
double IclTransformer<Real>::gradient(std::span<const Real> weights, const PositionedTokens<Real>& tokens,
                                      std::span<const std::int32_t> labels, std::span<Real> gradient) {
  Implementation& it = *implementation_;
  const compute::SingleThreadedBlas one_thread;
  const Index n = parts_of(tokens.sequences());
  it.make_parts(n);
  it.prepare(weights.data());
  std::vector<double> losses(static_cast<std::size_t>(n));
  base::ExceptionSlot trouble;
#pragma omp parallel for schedule(static) if (n > 1)
  for (Index i = 0; i < n; ++i) {
    trouble.run([&] {
      losses[static_cast<std::size_t>(i)] =
          it.gradient(*it.parts[static_cast<std::size_t>(i)], weights.data(), part_of(tokens, i),
                      part_of(labels, i), 1 / static_cast<double>(tokens.sequences()));
    });
  }
  trouble.rethrow();
  // In the order of the parts, whatever the threads.
  const auto sum = [&](auto of_part, Real* to, Index size) {
#pragma omp parallel for schedule(static) if (size > (1 << 15))
    for (Index from = 0; from < size; from += 4096) {
      const Index to_end = std::min(from + 4096, size);
      for (Index k = from; k < to_end; ++k) to[k] = of_part(0)[k];
      for (Index i = 1; i < n; ++i) {
        const Real* const more = of_part(i);
        for (Index k = from; k < to_end; ++k) to[k] += more[k];
      }
    }
  };
  sum([&](Index i) { return it.parts[static_cast<std::size_t>(i)]->gradient.data(); }, gradient.data(),
      it.layout.size());
  if (it.is_shortcut()) {
    Part<Real>& first = *it.parts.front();
    sum([&](Index i) { return it.parts[static_cast<std::size_t>(i)]->d_b.data(); }, first.d_b.data(),
        first.d_b.size());
    first.two_layer->combine_backward(it.layout, weights.data(), first.d_b, gradient.data());
  }
  double loss = 0;
  for (const double of_part : losses) loss += of_part;
  return loss / static_cast<double>(tokens.sequences());
}

template <class Real>
Scores IclTransformer<Real>::evaluate(std::span<const Real> weights, const PositionedTokens<Real>& tokens,
                                      std::span<const std::int32_t> labels,
                                      std::span<const std::int32_t> classes) {
  Implementation& it = *implementation_;
  const compute::SingleThreadedBlas one_thread;
  const Index n = parts_of(tokens.sequences());
  const Index t = tokens.tokens;
  const Index pairs = t / 2;
  base::ensure(static_cast<Index>(classes.size()) == tokens.sequences() * (pairs + 1),
               "every item of every sequence has a class");
  it.make_parts(omp_get_max_threads());
  it.prepare(weights.data());
  std::vector<Scores> of_parts(static_cast<std::size_t>(n));  // sums
  base::ExceptionSlot trouble;
#pragma omp parallel for schedule(static) if (n > 1)
  for (Index i = 0; i < n; ++i) {
    trouble.run([&] {
      Part<Real>& part = *it.parts[static_cast<std::size_t>(omp_get_thread_num())];
      const auto mine = part_of(tokens, i);
      const View<Real> logits = it.forward(part, weights.data(), mine);
      const View<Real> losses = View<Real>(part.losses).middle_columns(0, mine.sequences());
      compute::cross_entropy<Real>(logits, part_of(labels, i), losses);
      Scores& sums = of_parts[static_cast<std::size_t>(i)];
      sums.first_attention.setZero(t, t);
      sums.last_attention.setZero(t);
      for (Index s = 0; s < mine.sequences(); ++s) {
        const Index sequence = i * kPart + s;
        sums.loss += static_cast<double>(*losses.column(s));
        Index answer = 0;
        logits.matrix().col(s).maxCoeff(&answer);
        sums.accuracy += answer == labels[static_cast<std::size_t>(sequence)] ? 1 : 0;
        const auto first = View<Real>(part.attention).middle_columns(0, t);
        const auto last = View<Real>(part.attention).middle_columns(t, 1);
        it.attention(part, s, t, first, last);
        sums.first_attention += first.matrix().template cast<double>();
        sums.last_attention += last.matrix().template cast<double>();
        const auto class_of = [&](Index item) {
          return classes[static_cast<std::size_t>(sequence * (pairs + 1) + item)];
        };
        for (Index pair = 0; pair < pairs; ++pair) {
          sums.previous_token +=
              static_cast<double>(first.column(2 * pair + 1)[2 * pair]) / static_cast<double>(pairs);
          if (class_of(pair) == class_of(pairs))
            sums.induction += static_cast<double>(last.data[2 * pair + 1]);
        }
      }
    });
  }
  trouble.rethrow();
  Scores total = std::move(of_parts.front());
  for (std::size_t i = 1; i < of_parts.size(); ++i) total += of_parts[i];
  total *= 1 / static_cast<double>(tokens.sequences());
  return total;
}

template std::vector<float> initial_weights<float>(const IclTransformerShape&, const base::RandomKey&);
template std::vector<double> initial_weights<double>(const IclTransformerShape&, const base::RandomKey&);
template class IclTransformer<float>;
template class IclTransformer<double>;

}  // namespace ecphory::models
