#include "ecphory/models/icl_network.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include <omp.h>

#include "ecphory/attention/induction.hpp"
#include "ecphory/attention/stack.hpp"
#include "ecphory/attention/two_layer.hpp"
#include "ecphory/base/exception_slot.hpp"
#include "ecphory/compute/accuracy.hpp"
#include "ecphory/compute/axpby.hpp"
#include "ecphory/compute/blas.hpp"
#include "ecphory/compute/block_sums.hpp"
#include "ecphory/compute/cross_entropy.hpp"
#include "ecphory/compute/fill.hpp"

namespace ecphory::models {

using attention::PositionedTokens;
using compute::Array;
using compute::Batch;
using compute::Index;
using compute::TensorLayout;
using compute::View;

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

namespace {

constexpr Index kPart = 32;  ///< sequences that one thread works on at a time

bool takes_shortcut(const IclTransformerShape& shape, Form form) {
  return form == Form::shortcut && has_two_layer_form(shape.stack);
}

/// What one thread works on at a time on the CPU: kPart sequences of a network. On a GPU all is one part.
struct Part {
  explicit Part(const Workload& w)
      : networks(w.device == compute::kCpu ? 1 : w.networks),
        sequences(w.device == compute::kCpu ? std::min(w.sequences, kPart) : w.sequences) {}

  Index networks;
  Index sequences;  ///< of each, at most
};

Index parts_of(Index sequences, const Part& part) {
  return (sequences + part.sequences - 1) / part.sequences;
}

}  // namespace

double numbers_at_work(const IclTransformerShape& shape, Form form, const Workload& workload) {
  const auto real = [](Index n) { return static_cast<double>(n); };
  const Part part(workload);
  const double width = real(shape.stack.width);
  const double tokens = real(shape.stack.tokens);
  const double layers = real(shape.stack.layers);
  const double weights = real(shape.layout().size());
  double of_token = width + tokens;  // z and p_1 of the two layers
  double of_sequence = 22 * width + 5 * tokens;
  double of_network = weights + width * width;  // of a part
  if (!takes_shortcut(shape, form)) {
    const double streamed = shape.stack.stream == attention::Stream::none ? 0 : 1;
    of_token = (layers * (4 + streamed) + 8) * width + (layers * real(shape.stack.heads) + 1) * tokens;
    of_sequence = 0;
    of_network = weights;
  }
  of_sequence += real(shape.readout.layers + 3) * width + 2 * real(shape.readout.labels) + 3;
  const double of_part =
      real(part.networks) * (real(part.sequences) * (tokens * of_token + of_sequence) + of_network);
  const double parts = real(workload.networks / part.networks) * real(parts_of(workload.sequences, part));
  return parts * of_part + real(workload.networks) * width * width;
}

namespace {

/// Memory for a part, and what is done with it.
template <class Real>
class Worker {
 public:
  using Weights = compute::Tensors<const Real>;
  using Gradient = compute::Tensors<Real>;
  using Tokens = PositionedTokens<Real>;
  using Integers = View<const std::int32_t>;

  Worker(const IclTransformerShape& shape, Form form, const Part& part, compute::Device device)
      : shape_(shape),
        layout_(shape.layout()),
        readout_(shape.readout, part.networks * part.sequences, device),
        numbers_({3, part.networks * part.sequences}, device),
        d_logits_({shape.readout.labels, part.networks * part.sequences}, device),
        sums_({3, part.networks}, device) {
    if (device == compute::kCpu) gradient_ = Array<Real>({layout_.size(), part.networks});
    const Index sequences = part.networks * part.sequences;
    const Index width = shape.stack.width;
    if (takes_shortcut(shape, form)) {
      two_layer_.emplace(shape.stack, shape.positions, sequences, device);
      d_b_ = Array<Real>({width, width * part.networks}, device);
    } else {
      stack_.emplace(shape.stack, sequences, device);
      x_ = Array<Real>({width, shape.stack.tokens * sequences}, device);
      d_ = Array<Real>({width, shape.stack.tokens * sequences}, device);
    }
    const Index t = shape.stack.tokens;
    first_ = Array<double>({t * t, part.networks}, device);
    last_ = Array<double>({t, part.networks}, device);
  }

  /// What the shortcut combines of the weights.
  void combine(const Weights& weights, Batch<Real> b) const {
    if (two_layer_) two_layer_->combine(weights, b);
  }

  View<Real> forward(const Weights& weights, Batch<const Real> b, const Tokens& tokens) {
    if (two_layer_) return readout_.forward(weights, two_layer_->forward(weights, b, tokens));
    const View<Real> x = View<Real>(x_).middle_columns(0, tokens.sequences() * tokens.tokens);
    attention::write_out<Real>(tokens, x);
    return readout_.forward(weights, last_tokens(stack_->forward(weights, x)));
  }

  /// Overwrites `gradient` with that of scale · Σ losses but for what goes through B, which is left in d_b(),
  /// and `losses` with that sum for each network.
  void backward(const Weights& weights, Batch<const Real> b, const Tokens& tokens, Integers labels,
                double scale, const Gradient& gradient, View<double> losses) {
    const Index n = tokens.sequences();
    compute::fill<Real>(Real{0}, gradient.blocks);
    const View<Real> logits = forward(weights, b, tokens);
    const View<Real> of_sequence = View<Real>(numbers_).middle_rows(0, 1).middle_columns(0, n);
    compute::cross_entropy<Real>(logits, labels, of_sequence);
    compute::block_sums<Real>(scale, of_sequence, losses);
    const View<Real> d_logits = View<Real>(d_logits_).middle_columns(0, n);
    compute::cross_entropy_backward<Real>(static_cast<Real>(scale), logits, labels, d_logits);
    const View<const Real> d_last = readout_.backward(weights, d_logits, gradient);
    if (two_layer_) {
      compute::fill<Real>(Real{0}, d_b_);
      two_layer_->backward(weights, d_last, gradient, d_b());
    } else {
      const View<Real> d = View<Real>(d_).middle_columns(0, n * tokens.tokens);
      compute::fill<Real>(Real{0}, d);
      compute::axpby<Real>(Real{1}, d_last, Real{0}, last_tokens(d));
      stack_->backward(weights, d, gradient);
    }
  }

  /// With the gradients of all parts of these networks summed: adds what goes through B.
  void combine_backward(const Weights& weights, Batch<const Real> d_b, const Gradient& gradient) const {
    if (two_layer_) two_layer_->combine_backward(weights, d_b, gradient);
  }

  /// Memory for gradients of a part that is not alone.
  View<Real> gradient() { return gradient_; }
  /// Empty where there is no B.
  Batch<Real> d_b() {
    return d_b_.size() == 0 ? Batch<Real>() : blocks_of(View<Real>(d_b_), sums_.columns());
  }

  /// scale · Σ of each network's sequences.
  std::vector<Scores> evaluate(const Weights& weights, Batch<const Real> b, const Tokens& tokens,
                               Integers labels, Integers classes, double scale) {
    const Index n = tokens.sequences();
    const Index t = tokens.tokens;
    const View<Real> numbers = View<Real>(numbers_).middle_columns(0, n);
    const View<Real> logits = forward(weights, b, tokens);
    compute::cross_entropy<Real>(logits, labels, numbers.middle_rows(0, 1));
    compute::is_correct<Real>(logits, labels, numbers.middle_rows(1, 1));
    std::vector<Scores> scores(static_cast<std::size_t>(weights.models()));
    for (Scores& of_network : scores) {
      of_network.first_attention.setZero(t, t);
      of_network.last_attention.setZero(t);
    }
    const Index heads = two_layer_ ? 1 : shape_.stack.heads;
    for (Index h = 0; h < heads; ++h) {
      const View<const Real> last = last_attention(h);
      attention::induction<Real>(classes, last, numbers.middle_rows(2, 1));
      const View<const Real> first = first_attention(h);
      // A sequence's (T, T) as one column.
      compute::block_sums<Real>(scale, View<const Real>(first.data, t * t, n, t * t, first.device), first_);
      compute::block_sums<Real>(scale, last, last_);
      compute::block_sums<Real>(scale, numbers, sums_);
      add(1 / static_cast<double>(heads), scores);
    }
    return scores;
  }

 private:
  /// Of (W, T · sequences).
  template <class Element>
  View<Element> last_tokens(View<Element> all) const {
    const Index t = shape_.stack.tokens;
    return {all.column(t - 1), all.rows, all.columns / t, t * all.stride, all.device};
  }

  /// Of what forward() was last given: (T, T · sequences), contiguous.
  View<const Real> first_attention(Index head) const {
    return two_layer_ ? two_layer_->first_attention() : stack_->attention(0, head);
  }

  /// (T, sequences) of the last token.
  View<const Real> last_attention(Index head) const {
    return two_layer_ ? two_layer_->last_attention()
                      : last_tokens(stack_->attention(shape_.stack.layers - 1, head));
  }

  /// Adds `share` of the sums to the scores of each network.
  void add(double share, std::vector<Scores>& scores) const {
    const Array<double> sums = sums_.to(compute::kCpu);
    const Array<double> first = first_.to(compute::kCpu);
    const Array<double> last = last_.to(compute::kCpu);
    const Index t = shape_.stack.tokens;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const auto network = static_cast<Index>(i);
      const auto of_network = first.matrix().col(network);
      Scores& to = scores[i];
      to.loss += share * sums.matrix()(0, network);
      to.accuracy += share * sums.matrix()(1, network);
      to.induction += share * sums.matrix()(2, network);
      to.first_attention += share * of_network.reshaped(t, t);
      to.last_attention += share * last.matrix().col(network);
      const Index pairs = t / 2;
      for (Index pair = 0; pair < pairs; ++pair)
        to.previous_token += share * of_network[(2 * pair + 1) * t + 2 * pair] / static_cast<double>(pairs);
    }
  }

  IclTransformerShape shape_;
  TensorLayout layout_;
  std::optional<attention::TwoLayer<Real>> two_layer_;
  std::optional<attention::Stack<Real>> stack_;
  Array<Real> x_;  ///< of the plain form (W, T · sequences)
  Array<Real> d_;  ///< gradient of its output (W, T · sequences)
  attention::Readout<Real> readout_;
  Array<Real> numbers_;  ///< (3, sequences) loss, whether correct, induction
  Array<Real> d_logits_;
  Array<double> sums_;    ///< (3, networks) of them
  Array<double> first_;   ///< (T², networks) of the first layer's attention
  Array<double> last_;    ///< (T, networks) of the last token's in the last layer
  Array<Real> gradient_;  ///< (weights, networks), on the CPU
  Array<Real> d_b_;       ///< (W, W · networks)
};

}  // namespace

template <class Real>
struct IclTransformer<Real>::Implementation {
  using Tensors = compute::Tensors<const Real>;

  Implementation(const IclTransformerShape& its_shape, const Workload& its_workload, Form its_form)
      : shape(its_shape),
        workload(its_workload),
        form(its_form),
        layout(shape.layout()),
        part(workload),
        b({shape.stack.width, shape.stack.width * workload.networks}, workload.device) {}

  Index groups() const { return workload.networks / part.networks; }

  Worker<Real>& worker(Index i) { return *workers[static_cast<std::size_t>(i)]; }

  void make_workers(Index n) {
    while (static_cast<Index>(workers.size()) < n)
      workers.push_back(std::make_unique<Worker<Real>>(shape, form, part, workload.device));
  }

  Batch<Real> b_of(Index group) {
    const Index columns = part.networks * shape.stack.width;
    return blocks_of(View<Real>(b).middle_columns(group * columns, columns), part.networks);
  }

  /// Of networks that make a part together.
  Tensors weights_of(Weights weights, Index group) const {
    return {&layout, weights.middle_columns(group * part.networks, part.networks)};
  }

  /// Sequences of each network.
  Index check(Weights weights, const Tokens& tokens) const {
    base::ensure(weights.rows == layout.size() && weights.columns == workload.networks &&
                     weights.device == workload.device && tokens.content.device == workload.device,
                 "networks get weights and tokens of their layout, on their device");
    base::ensure(tokens.sequences() % workload.networks == 0 &&
                     tokens.sequences() / workload.networks <= workload.sequences,
                 "each network gets as many sequences, and there is room for them");
    return tokens.sequences() / workload.networks;
  }

  /// Columns of part `i` of group `group`, of something with `each` columns a sequence.
  template <class Any>
  auto cut(Any of_all, Index group, Index i, Index sequences, Index each) const {
    const Index first = group * part.networks * sequences + i * part.sequences;
    const Index n = part.networks * std::min(part.sequences, sequences - i * part.sequences);
    return of_all.middle_columns(first * each, n * each);
  }

  Tokens tokens_of(const Tokens& all, Index group, Index i, Index sequences) const {
    return {all.positions, all.tokens, cut(all.content, group, i, sequences, all.tokens),
            cut(all.shift, group, i, sequences, 1)};
  }

  void combine(Weights weights) {
    make_workers(1);
    for (Index group = 0; group < groups(); ++group)
      worker(0).combine(weights_of(weights, group), b_of(group));
  }

  /// gradient ← that of all parts of a group on the CPU, in their order, whatever the threads; so is that of
  /// B in the first one's.
  void sum_parts(Index group, Index parts, View<Real> gradient) {
    const auto sum = [&](auto of_part, Real* to, Index size) {
#pragma omp parallel for schedule(static) if (size > (1 << 15))
      for (Index from = 0; from < size; from += 4096) {
        const Index end = std::min(from + 4096, size);
        for (Index k = from; k < end; ++k) to[k] = of_part(0)[k];
        for (Index i = 1; i < parts; ++i) {
          const Real* const more = of_part(i);
          for (Index k = from; k < end; ++k) to[k] += more[k];
        }
      }
    };
    const auto of_part = [&](Index i) -> Worker<Real>& { return worker(group * parts + i); };
    sum([&](Index i) { return of_part(i).gradient().data; }, gradient.data, layout.size());
    if (const View<Real> d_b = of_part(0).d_b().first; d_b.data != nullptr)
      sum([&](Index i) { return of_part(i).d_b().first.data; }, d_b.data, d_b.rows * d_b.columns);
  }

  /// work(group, part, worker) for all parts, on the CPU by many threads.
  void for_parts(Index parts, bool is_worker_of_thread, const auto& work) {
    const Index n = groups() * parts;
    make_workers(is_worker_of_thread ? std::min<Index>(n, omp_get_max_threads()) : n);
    base::ExceptionSlot trouble;
#pragma omp parallel for schedule(static) if (n > 1)
    for (Index k = 0; k < n; ++k) {
      trouble.run(
          [&] { work(k / parts, k % parts, worker(is_worker_of_thread ? omp_get_thread_num() : k)); });
    }
    trouble.rethrow();
  }

  IclTransformerShape shape;
  Workload workload;
  Form form;
  TensorLayout layout;
  Part part;
  Array<Real> b;  ///< what the shortcut combines of each network's weights
  std::vector<std::unique_ptr<Worker<Real>>> workers;
};

template <class Real>
IclTransformer<Real>::IclTransformer(const IclTransformerShape& shape, const Workload& workload, Form form) {
  check(shape.stack);
  base::ensure(workload.networks > 0 && workload.sequences > 0, "there are networks, and sequences for them");
  implementation_ = std::make_unique<Implementation>(shape, workload, form);
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

template <class Real>
void IclTransformer<Real>::logits(Weights weights, const Tokens& tokens, View<Real> to) {
  Implementation& it = *implementation_;
  const compute::SingleThreadedBlas one_thread;
  const Index sequences = it.check(weights, tokens);
  const Index parts = parts_of(sequences, it.part);
  it.combine(weights);
  it.for_parts(parts, true, [&](Index group, Index i, Worker<Real>& worker) {
    compute::axpby<Real>(Real{1},
                         worker.forward(it.weights_of(weights, group), it.b_of(group),
                                        it.tokens_of(tokens, group, i, sequences)),
                         Real{0}, it.cut(to, group, i, sequences, 1));
  });
}

template <class Real>
void IclTransformer<Real>::gradient(Weights weights, const Tokens& tokens, Integers labels,
                                    View<Real> gradient, View<double> losses) {
  Implementation& it = *implementation_;
  const compute::SingleThreadedBlas one_thread;
  const Index sequences = it.check(weights, tokens);
  const Index parts = parts_of(sequences, it.part);
  const auto mine = [&](auto of_all, Index group) {
    return of_all.middle_columns(group * it.part.networks, it.part.networks);
  };
  it.combine(weights);
  std::vector<double> of_parts(parts == 1 ? 0 : static_cast<std::size_t>(it.groups() * parts));
  it.for_parts(parts, false, [&](Index group, Index i, Worker<Real>& worker) {
    const bool is_alone = parts == 1;
    worker.backward(it.weights_of(weights, group), it.b_of(group), it.tokens_of(tokens, group, i, sequences),
                    it.cut(labels, group, i, sequences, 1), 1 / static_cast<double>(sequences),
                    {&it.layout, is_alone ? mine(gradient, group) : worker.gradient()},
                    is_alone ? mine(losses, group)
                             : View<double>(&of_parts[static_cast<std::size_t>(group * parts + i)], 1, 1, 1));
  });
  for (Index group = 0; group < it.groups(); ++group) {
    Worker<Real>& first = it.worker(group * parts);
    if (parts > 1) {
      it.sum_parts(group, parts, mine(gradient, group));
      *losses.column(group) =
          std::accumulate(of_parts.begin() + group * parts, of_parts.begin() + (group + 1) * parts, 0.0);
    }
    first.combine_backward(it.weights_of(weights, group), first.d_b(), {&it.layout, mine(gradient, group)});
  }
}

template <class Real>
std::vector<Scores> IclTransformer<Real>::evaluate(Weights weights, const Tokens& tokens, Integers labels,
                                                   Integers classes) {
  Implementation& it = *implementation_;
  const compute::SingleThreadedBlas one_thread;
  const Index sequences = it.check(weights, tokens);
  const Index parts = parts_of(sequences, it.part);
  it.combine(weights);
  std::vector<std::vector<Scores>> of_parts(static_cast<std::size_t>(it.groups() * parts));
  it.for_parts(parts, true, [&](Index group, Index i, Worker<Real>& worker) {
    of_parts[static_cast<std::size_t>(group * parts + i)] =
        worker.evaluate(it.weights_of(weights, group), it.b_of(group),
                        it.tokens_of(tokens, group, i, sequences), it.cut(labels, group, i, sequences, 1),
                        it.cut(classes, group, i, sequences, 1), 1 / static_cast<double>(sequences));
  });
  std::vector<Scores> scores;
  for (Index group = 0; group < it.groups(); ++group) {
    auto* const of_group = &of_parts[static_cast<std::size_t>(group * parts)];
    for (std::size_t network = 0; network < of_group[0].size(); ++network) {
      scores.push_back(std::move(of_group[0][network]));
      for (Index i = 1; i < parts; ++i) scores.back() += of_group[i][network];
    }
  }
  return scores;
}

template class IclTransformer<float>;
template class IclTransformer<double>;

}  // namespace ecphory::models
