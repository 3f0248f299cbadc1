// The two-layer Transformer learns the Gaussian-mixture task: when does it answer from the context?

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "ecphory/experiments/experiments.hpp"
#include "ecphory/models/icl_transformer.hpp"
#include "ecphory/tasks/gaussian_mixture.hpp"
#include "ecphory/training/checkpoint.hpp"

namespace ecphory::experiments {
namespace {

using compute::Index;
using tasks::TestSet;

enum class Precision { single, double_ };
std::span<const std::string_view> names(Precision) {
  static constexpr std::array<std::string_view, 2> kNames = {"single", "double"};
  return kNames;
}

/// Settings of the section `training` beside the optimiser's.
struct RunSettings {
  std::int64_t steps = 75'000;
  std::int64_t batch = 128;
  std::int64_t evaluate_every = 500;
  std::int64_t test_sequences = 10'000;
  double criterion = 0.95;
  bool stop_at_criterion = false;
  Precision precision = Precision::single;
  std::string checkpoints;
  std::int64_t checkpoint_every = 5'000;
};

const base::ParameterTable<RunSettings>& run_table() {
  using S = RunSettings;
  static const auto table =
      base::ParameterTable<S>("training")
          .add("steps", &S::steps, "1", "steps of training", base::between(0, 1e9))
          .add("batch", &S::batch, "1", "sequences of a step, fresh ones each time", base::between(1, 1e6))
          .add("evaluate_every", &S::evaluate_every, "1", "steps between looks at the test sets",
               base::at_least(1))
          .add("test_sequences", &S::test_sequences, "1", "sequences of each test set", base::between(1, 1e7))
          .add("criterion", &S::criterion, "1", "accuracy in context that counts as learned",
               base::between(0, 1))
          .add("stop_at_criterion", &S::stop_at_criterion, "1", "end there")
          .add("precision", &S::precision, "1", "of weights and activations")
          .add("checkpoints", &S::checkpoints, "1",
               "folder for the states of training, from which a run that was cut short goes on; empty: none")
          .add("checkpoint_every", &S::checkpoint_every, "1",
               "steps between them; the last state is always kept", base::at_least(1))
          .when("training.checkpoints != \"\"");
  return table;
}

struct RecordSettings {
  bool attention = false;
};

const base::ParameterTable<RecordSettings>& record_table() {
  static const auto table = base::ParameterTable<RecordSettings>("record").add(
      "attention", &RecordSettings::attention, "1",
      "also record mean attention on the in-context set, over training");
  return table;
}

constexpr std::array kSets = {TestSet::mixed, TestSet::in_context, TestSet::swapped, TestSet::in_weights};
constexpr std::int64_t kTestedTogether = 1024;         ///< test sequences in memory at a time
constexpr std::size_t kSetMetrics = 2 * kSets.size();  // loss and accuracy of each, then the attention's

models::IclTransformerShape shape_of(const base::Point& point) {
  const auto task = tasks::gaussian_mixture_table().read(point);
  return models::shape_of(models::icl_transformer_table().read(point), 2 * task.most_pairs + 1,
                          task.dimension, 2 * task.pairs + 1, task.labels);
}

/// Points of one sweep with the same replicate share their data and initial weights (common random numbers),
/// so that streams can be compared in pairs.
base::RandomKey common_key(const base::RandomKey& key) {
  return {.seed = key.seed, .point = base::Purpose("icl_transformer").id(), .replicate = key.replicate};
}

/// What the weights of a checkpoint are of.
store::Attributes description(const base::Point& point, const RunSettings& run) {
  const auto model = models::icl_transformer_table().read(point);
  const auto task = tasks::gaussian_mixture_table().read(point);
  return {{"model", std::string("icl_transformer")},
          {"layers", model.layers},
          {"heads", model.heads},
          {"stream", base::name_of(model.stream)},
          {"stream_source", base::name_of(model.source)},
          {"stream_mix", base::name_of(model.mix)},
          {"mlp_layers", model.mlp_layers},
          {"positions", 2 * task.most_pairs + 1},
          {"content", task.dimension},
          {"labels", task.labels},
          {"method", base::name_of(training::optimiser_table().read(point).method)},
          {"precision", base::name_of(run.precision)}};
}

/// The task and the network as something to train.
template <class Real>
class Learner {
 public:
  Learner(const base::Point& point, const base::RandomKey& key)
      : task_(tasks::gaussian_mixture_table().read(point)),
        run_(run_table().read(point)),
        key_(key),
        shape_(shape_of(point)),
        network_(shape_),
        mixture_(tasks::draw_mixture<Real>(task_, key)),
        batch_(task_, run_.batch) {}

  const models::IclTransformerShape& shape() const { return shape_; }
  const compute::TensorLayout& layout() const { return network_.layout(); }

  double gradient(std::uint64_t step, std::span<const Real> weights, std::span<Real> gradient) {
    tasks::draw<Real>(task_, mixture_, key_, tasks::kTrainingSequences,
                      static_cast<std::uint32_t>(step * static_cast<std::uint64_t>(run_.batch)), batch_);
    return network_.gradient(weights, tokens(batch_), batch_.label, gradient);
  }

  /// Loss and accuracy of each test set, then previous-token and induction strength and mean attention (first
  /// layer, column by column; last token in the last layer) on the in-context set.
  std::vector<double> evaluate(std::span<const Real> weights) {
    std::vector<double> metrics;
    std::vector<double> attention;
    for (const TestSet set : kSets) {
      const models::Scores scores = evaluate(set, weights);
      metrics.push_back(scores.loss);
      metrics.push_back(scores.accuracy);
      if (set != TestSet::in_context) continue;
      attention = {scores.previous_token, scores.induction};
      const auto append = [&](const auto& x) {
        attention.insert(attention.end(), x.data(), x.data() + x.size());
      };
      append(scores.first_attention);
      append(scores.last_attention);
    }
    metrics.insert(metrics.end(), attention.begin(), attention.end());
    return metrics;
  }

 private:
  models::Scores evaluate(TestSet set, std::span<const Real> weights) {
    const tasks::GaussianMixtureParameters parameters = tasks::parameters_of(set, task_);
    models::Scores sum;
    for (std::int64_t first = 0; first < run_.test_sequences; first += kTestedTogether) {
      const std::int64_t n = std::min(kTestedTogether, run_.test_sequences - first);
      tasks::InContextBatch<Real> batch(parameters, n);
      tasks::draw<Real>(parameters, mixture_, key_, tasks::purpose_of(set), static_cast<std::uint32_t>(first),
                        batch);
      models::Scores scores = network_.evaluate(weights, tokens(batch), batch.label, batch.classes);
      scores *= static_cast<double>(n) / static_cast<double>(run_.test_sequences);
      first == 0 ? sum = std::move(scores) : sum += scores;
    }
    return sum;
  }

  attention::PositionedTokens<Real> tokens(const tasks::InContextBatch<Real>& batch) const {
    return {shape_.positions, shape_.stack.tokens, batch.content, batch.shift};
  }

  tasks::GaussianMixtureParameters task_;
  RunSettings run_;
  base::RandomKey key_;
  models::IclTransformerShape shape_;
  models::IclTransformer<Real> network_;
  tasks::GaussianMixture<Real> mixture_;
  tasks::InContextBatch<Real> batch_;
};

double in_context_accuracy(const std::vector<double>& metrics) { return metrics[3]; }

/// Results as labelled arrays; `checkpoint` is the file of the last state.
store::Dataset results(const training::History& history, const RunSettings& run, const RecordSettings& record,
                       Index tokens, const std::string& checkpoint) {
  const std::size_t n = history.size();
  double learned = std::nan("");
  for (std::size_t i = n; i-- > 0;)
    if (in_context_accuracy(history.metrics[i]) >= run.criterion)
      learned = static_cast<double>(history.step[i]);
  std::vector<std::string> sets;
  for (const TestSet set : kSets) sets.push_back(base::name_of(set));
  store::Dataset result{
      .arrays = {
          store::coordinate("test_set", sets, "1", "test set"),
          {.name = "step",
           .dimensions = {"evaluation"},
           .shape = {n},
           .values = history.step,
           .long_name = "steps of training"},
          {.name = "training_loss",
           .dimensions = {"evaluation"},
           .shape = {n},
           .values = history.training_loss,
           .long_name = "mean cross-entropy since the evaluation before"},
          store::scalar("steps_to_criterion", learned, "1",
                        "steps to the first evaluation with such an accuracy in context; NaN if none"),
      }};
  const auto over_sets = [&](std::string name, std::size_t which, std::string long_name) {
    std::vector<double> values;
    for (std::size_t set = 0; set < kSets.size(); ++set)
      for (const auto& metrics : history.metrics) values.push_back(metrics[2 * set + which]);
    result.arrays.push_back({.name = std::move(name),
                             .dimensions = {"test_set", "evaluation"},
                             .shape = {kSets.size(), n},
                             .values = std::move(values),
                             .long_name = std::move(long_name)});
  };
  over_sets("loss", 0, "mean cross-entropy");
  over_sets("accuracy", 1, "fraction of sequences whose largest logit is the answer's");
  const auto over_evaluations = [&](std::string name, std::size_t at, std::vector<std::string> dimensions,
                                    std::vector<std::size_t> shape, std::string long_name) {
    std::size_t size = 1;
    for (const std::size_t extent : shape) size *= extent;
    std::vector<double> values;
    for (const auto& metrics : history.metrics) {
      const auto first = metrics.begin() + static_cast<std::ptrdiff_t>(kSetMetrics + at);
      values.insert(values.end(), first, first + static_cast<std::ptrdiff_t>(size));
    }
    dimensions.insert(dimensions.begin(), "evaluation");
    shape.insert(shape.begin(), n);
    result.arrays.push_back({.name = std::move(name),
                             .dimensions = std::move(dimensions),
                             .shape = std::move(shape),
                             .values = std::move(values),
                             .long_name = std::move(long_name)});
  };
  over_evaluations("previous_token", 0, {}, {},
                   "attention of labels to their items in the first layer, on the in-context set");
  over_evaluations(
      "induction", 1, {}, {},
      "attention of the query to the labels of its class in the last layer, on the in-context set");
  if (record.attention) {
    const auto t = static_cast<std::size_t>(tokens);
    over_evaluations("first_attention", 2, {"query", "key"}, {t, t},
                     "mean attention of the first layer, on the in-context set");
    over_evaluations("last_attention", 2 + t * t, {"key"}, {t},
                     "mean attention of the last token in the last layer, on the in-context set");
  }
  if (!checkpoint.empty()) {
    result.arrays.push_back({.name = "checkpoint",
                             .dimensions = {},
                             .shape = {},
                             .values = std::vector<std::string>{checkpoint},
                             .long_name = "file of the last state of training"});
  }
  return result;
}

/// The file of a run's states, in a folder that is there; empty for none. Throws UserError.
std::filesystem::path checkpoint_of(const RunSettings& run, const base::RandomKey& key) {
  if (run.checkpoints.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(run.checkpoints, error);
  if (error) {
    throw base::UserError({.key = "training.checkpoints",
                           .problem = fmt::format("making {} failed: {}", run.checkpoints, error.message()),
                           .expected = "a folder that can be made"});
  }
  return std::filesystem::path(run.checkpoints) /
         fmt::format("{}-{:016x}-{:03}.h5", key.seed, key.point, key.replicate);
}

template <class Real>
store::Dataset run_with(const base::Point& point, const sweep::RunContext& context) {
  const RunSettings run = run_table().read(point);
  const base::RandomKey key = common_key(context.key);
  Learner<Real> learner(point, key);
  const store::Attributes model = description(point, run);
  const std::filesystem::path checkpoint = checkpoint_of(run, context.key);
  training::TrainingState<Real> state{.weights = models::initial_weights<Real>(learner.shape(), key)};
  if (!checkpoint.empty() && std::filesystem::exists(checkpoint))
    state = training::read_checkpoint<Real>(checkpoint, learner.layout(), model);
  training::Objective<Real> objective{
      .gradient = [&](std::uint64_t step, std::span<const Real> weights,
                      std::span<Real> gradient) { return learner.gradient(step, weights, gradient); },
      .evaluate = [&](std::span<const Real> weights) { return learner.evaluate(weights); }};
  if (run.stop_at_criterion) {
    objective.is_enough = [&](const std::vector<double>& metrics) {
      return in_context_accuracy(metrics) >= run.criterion;
    };
  }
  training::TrainingHooks<Real> hooks{.deadline = context.deadline};
  if (!checkpoint.empty()) {
    hooks.checkpoint_every = run.checkpoint_every;
    hooks.checkpoint = [&](const training::TrainingState<Real>& now) {
      training::write_checkpoint(checkpoint, learner.layout(), now, model);
    };
  }
  training::train<Real>(objective,
                        {.steps = run.steps,
                         .evaluate_every = run.evaluate_every,
                         .optimiser = training::optimiser_table().read(point)},
                        state, hooks);
  return results(state.history, run, record_table().read(point), learner.shape().stack.tokens,
                 checkpoint.string());
}

store::Dataset run(const base::Point& point, const sweep::RunContext& context) {
  return run_table().read(point).precision == Precision::single ? run_with<float>(point, context)
                                                                : run_with<double>(point, context);
}

/// Throws UserError for a folder that something which is none stands in the way of.
void check_folder(const std::string& folder) {
  std::error_code ignored;
  for (std::filesystem::path path = folder; !path.empty(); path = path.parent_path()) {
    if (std::filesystem::is_directory(path, ignored) || path == path.parent_path()) return;
    if (!std::filesystem::exists(path, ignored)) continue;
    throw base::UserError({.key = "training.checkpoints",
                           .problem = path.string() + " is no folder",
                           .expected = "a folder, or a name that is free",
                           .remedy = "choose another one"});
  }
}

void check(const base::Point& point) {
  tasks::check(tasks::gaussian_mixture_table().read(point));
  attention::check(shape_of(point).stack);
  const RunSettings run = run_table().read(point);
  check_folder(run.checkpoints);
  constexpr auto kMost = static_cast<double>(std::uint64_t{1} << 32);
  if (static_cast<double>(run.steps) * static_cast<double>(run.batch) <= kMost) return;
  throw base::UserError({.key = "training.steps",
                         .problem = fmt::format("{} steps of {} sequences", run.steps, run.batch),
                         .expected = "at most 2^32 sequences",
                         .remedy = "lower training.steps or training.batch"});
}

double evaluations(const RunSettings& run) {
  return std::ceil(static_cast<double>(run.steps) / static_cast<double>(run.evaluate_every)) + 1;
}

/// Sequences through the network: forward and backward in training, forward in tests.
double cost(const base::Point& point) {
  const RunSettings run = run_table().read(point);
  const attention::StackShape stack = shape_of(point).stack;
  const double sequences =
      3 * static_cast<double>(run.steps) * static_cast<double>(run.batch) +
      evaluations(run) * static_cast<double>(kSets.size()) * static_cast<double>(run.test_sequences);
  return sequences * static_cast<double>(stack.layers * stack.tokens * stack.width * stack.width);
}

sweep::Footprint footprint(const base::Point& point) {
  const RunSettings run = run_table().read(point);
  const auto task = tasks::gaussian_mixture_table().read(point);
  const models::IclTransformerShape shape = shape_of(point);
  const auto weights = static_cast<double>(shape.layout().size());
  const bool has_moments = training::optimiser_table().read(point).method == training::Method::adamw;
  const double numbers = models::numbers_at_work(shape, models::Form::shortcut, run.batch) +
                         (has_moments ? 4 : 2) * weights +
                         static_cast<double>(task.dimension * (task.classes + task.labels)) +
                         static_cast<double>(task.dimension * shape.stack.tokens) *
                             static_cast<double>(run.batch + std::min(run.test_sequences, kTestedTogether));
  const auto t = static_cast<double>(shape.stack.tokens);
  const double of_evaluation = kSetMetrics + 4 + (record_table().read(point).attention ? t * (t + 1) : 0);
  return {.memory = (run.precision == Precision::single ? 4 : 8) * numbers,
          .results = 8 * evaluations(run) * of_evaluation};
}

/// A few steps with a look at the test sets before and after.
base::Point shortened(const base::Point& point) {
  const RunSettings run = run_table().read(point);
  base::Point shorter = point;
  shorter["training.steps"] = std::min<std::int64_t>(run.steps, 20);
  shorter["training.evaluate_every"] = std::int64_t{20};
  shorter["training.test_sequences"] = std::min<std::int64_t>(run.test_sequences, 500);
  shorter["training.checkpoints"] = std::string();
  return shorter;
}

}  // namespace

sweep::Experiment icl_transformer() {
  std::vector<base::Parameter> parameters = models::icl_transformer_table().parameters();
  for (const auto* more : {&tasks::gaussian_mixture_table().parameters(), &run_table().parameters(),
                           &training::optimiser_table().parameters(), &record_table().parameters()})
    parameters.insert(parameters.end(), more->begin(), more->end());
  return {.name = "icl_transformer",
          .title = "When a two-layer Transformer learns to answer from its context",
          .parameters = std::move(parameters),
          .check = check,
          .run = run,
          .cost = cost,
          .footprint = footprint,
          .shortened = shortened};
}

}  // namespace ecphory::experiments
