#include "ecphory/models/amicl.hpp"

#include <algorithm>
#include <cmath>

#include "ecphory/base/exception_slot.hpp"
#include "ecphory/compute/gemm.hpp"
#include "ecphory/compute/softmax.hpp"

namespace ecphory::models {
namespace {

using compute::Array;
using compute::Index;

constexpr base::Purpose kLastKey("amicl.last_key");

template <class Real>
void resize(Array<Real>& array, std::vector<Index> shape) {
  if (array.shape() != shape) array = Array<Real>(std::move(shape));
}

template <class Real>
Index first_largest(const Array<Real>& scores) {
  const auto s = scores.elements();
  return std::max_element(s.begin(), s.end()) - s.begin();
}

/// One context with its keys; buffers live from trial to trial.
template <class Real>
struct Context {
  tasks::InContextSequence<Real> sequence;
  Array<Real> keys;     // (D, L)
  Array<Real> queries;  // (D, L): the keys before the last one is replaced

  void draw(const AmiclParameters& model, const tasks::InContextSequenceParameters& task,
            const base::RandomKey& key, std::uint32_t trial) {
    tasks::draw(task, key, trial, sequence);
    resize(queries, sequence.tokens.shape());
    amicl_keys(model.a, sequence.tokens, queries);
    resize(keys, sequence.tokens.shape());
    std::copy_n(queries.data(), queries.size(), keys.data());
    replace_last_key(key, trial);
  }

 private:
  void replace_last_key(const base::RandomKey& key, std::uint32_t trial) {
    draw_last_key(key, trial,
                  std::span(keys.data() + keys.size() - keys.rows(), static_cast<std::size_t>(keys.rows())));
  }
};

}  // namespace

const base::ParameterTable<AmiclParameters>& amicl_table() {
  using P = AmiclParameters;
  static const auto table =
      base::ParameterTable<P>("model")
          .add("a", &P::a, "1", "weight of the preceding token in keys and queries", base::at_least(0))
          .add("similarity", &P::similarity, "1", "how a key is compared with the query")
          .add("beta", &P::beta, "1", "inverse temperature of the read-out; inf is the published argmax",
               {.low = 0, .high = 1e30, .infinite = true});
  return table;
}

Model amicl() {
  std::vector<base::Parameter> parameters = amicl_table().parameters();
  const auto& task = tasks::in_context_sequence_table().parameters();
  parameters.insert(parameters.end(), task.begin(), task.end());
  return {.name = "amicl",
          .title = "Associative memory for in-context learning",
          .equation =
              "v_t = x_t\n"
              "q_t = k_t = (a x_{t-1} + x_t) / (a + 1)\n"
              "answer = v at argmax_t sim(k_t, q_L)\n"
              "finite beta: y = sum_t p_t v_t, p = softmax(beta sim(k, q_L)), answer = the v_t nearest to y",
          .source = "Burns, Fukai & Earls (2024), arXiv 2412.15113",
          .parameters = std::move(parameters)};
}

template <class Real>
void draw_last_key(const base::RandomKey& key, std::uint32_t trial, std::span<Real> last_key) {
  thread_local std::vector<float> normals;
  normals.resize(last_key.size());
  base::RandomStream(key, kLastKey, trial).normals(0, std::span(normals));
  const auto dimension = static_cast<Index>(last_key.size());
  Eigen::Map<Eigen::VectorX<Real>>(last_key.data(), dimension) =
      Eigen::Map<const Eigen::VectorXf>(normals.data(), dimension).cast<Real>() /
      std::sqrt(static_cast<Real>(dimension));
}

template <class Real>
void amicl_keys(double a, const Array<Real>& tokens, Array<Real>& keys) {
  base::ensure(keys.shape() == tokens.shape() && a >= 0,
               "amicl_keys takes two arrays of one shape and a >= 0");
  const auto before = static_cast<Real>(a / (a + 1));
  const auto here = static_cast<Real>(1 / (a + 1));
  const auto x = tokens.matrix();
  auto k = keys.matrix();
  const Index length = x.cols();
  k.col(0) = here * x.col(0);
  k.rightCols(length - 1) = before * x.leftCols(length - 1) + here * x.rightCols(length - 1);
}

template <class Real>
void amicl_read(const AmiclParameters& parameters, const Array<Real>& keys, const Array<Real>& values,
                const Array<Real>& query, AmiclReadout<Real>& readout) {
  base::ensure(values.shape() == keys.shape() && query.size() == keys.rows(),
               "amicl_read takes keys and values (D, L) and a query (D, 1)");
  resize(readout.scores, {keys.columns(), 1});
  resize(readout.probabilities, {keys.columns(), 1});
  resize(readout.output, {keys.rows(), 1});
  similarities(parameters.similarity, keys, query, readout.scores);

  if (std::isinf(parameters.beta)) {
    readout.answer = first_largest(readout.scores);
    std::ranges::fill(readout.probabilities.elements(), Real{0});
    readout.probabilities.elements()[static_cast<std::size_t>(readout.answer)] = 1;
    readout.output.matrix() = values.matrix().col(readout.answer);
    return;
  }
  compute::softmax(static_cast<Real>(parameters.beta), readout.scores, readout.probabilities);
  compute::gemm<Real>(compute::Transpose::no, compute::Transpose::no, 1, values, readout.probabilities, 0,
                      readout.output);
  (values.matrix().colwise() - readout.output.matrix().col(0))
      .colwise()
      .squaredNorm()
      .minCoeff(&readout.answer);
}

template <class Real>
std::vector<AmiclOutcome> amicl_trials(const AmiclParameters& model,
                                       const tasks::InContextSequenceParameters& task,
                                       const base::RandomKey& key, std::int64_t n,
                                       const base::Deadline& deadline) {
  std::vector<AmiclOutcome> outcomes(static_cast<std::size_t>(n));
  base::ExceptionSlot exception;
#pragma omp parallel if (n > 1)
  {
    Context<Real> context;
    AmiclReadout<Real> readout;
    Array<Real> query;
#pragma omp for
    for (std::int64_t trial = 0; trial < n; ++trial) {
      exception.run([&] {
        deadline.check();
        context.draw(model, task, key, static_cast<std::uint32_t>(trial));
        resize(query, {task.dimension, 1});
        query.matrix() = context.queries.matrix().rightCols(1);
        amicl_read(model, context.keys, context.sequence.tokens, query, readout);
        const Eigen::Map<const Eigen::VectorX<Real>> label(context.sequence.label.data(), task.dimension);
        outcomes[static_cast<std::size_t>(trial)] = {
            .correct = context.sequence.tokens.matrix().col(readout.answer) == label,
            .distance = static_cast<double>((readout.output.matrix().col(0) - label).norm() / label.norm())};
      });
    }
  }
  exception.rethrow();
  return outcomes;
}

AmiclScores amicl_scores(const AmiclParameters& model, const tasks::InContextSequenceParameters& task,
                         const base::RandomKey& key, std::uint32_t trial) {
  Context<float> context;
  context.draw(model, task, key, trial);
  const std::vector<Index> square = {task.length, task.length};
  AmiclScores scores{Array<float>(square), Array<float>(square), Array<float>(square)};
  similarities(model.similarity, context.keys, context.queries, scores.score);

  scores.argmax.matrix().setZero();
  const auto s = scores.score.matrix();
  for (Index query = 0; query < s.cols(); ++query) {
    Index largest = 0;
    s.col(query).maxCoeff(&largest);
    scores.argmax.matrix()(largest, query) = 1;
  }
  if (std::isinf(model.beta)) {
    scores.softmax = scores.argmax.to(compute::kCpu);
  } else {
    compute::softmax(static_cast<float>(model.beta), scores.score, scores.softmax);
  }
  return scores;
}

template void draw_last_key<float>(const base::RandomKey&, std::uint32_t, std::span<float>);
template void draw_last_key<double>(const base::RandomKey&, std::uint32_t, std::span<double>);
template void amicl_keys<float>(double, const Array<float>&, Array<float>&);
template void amicl_keys<double>(double, const Array<double>&, Array<double>&);
template void amicl_read<float>(const AmiclParameters&, const Array<float>&, const Array<float>&,
                                const Array<float>&, AmiclReadout<float>&);
template void amicl_read<double>(const AmiclParameters&, const Array<double>&, const Array<double>&,
                                 const Array<double>&, AmiclReadout<double>&);
template std::vector<AmiclOutcome> amicl_trials<float>(const AmiclParameters&,
                                                       const tasks::InContextSequenceParameters&,
                                                       const base::RandomKey&, std::int64_t,
                                                       const base::Deadline&);
template std::vector<AmiclOutcome> amicl_trials<double>(const AmiclParameters&,
                                                        const tasks::InContextSequenceParameters&,
                                                        const base::RandomKey&, std::int64_t,
                                                        const base::Deadline&);

}  // namespace ecphory::models
