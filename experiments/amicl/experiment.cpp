// Accuracy of the published AMICL model (models/amicl.hpp), with Wilson intervals; on request the score,
// softmax and argmax matrices of the first trial.

#include <numeric>

#include "ecphory/base/wilson.hpp"
#include "ecphory/experiments/experiments.hpp"
#include "ecphory/models/amicl.hpp"
#include "ecphory/tasks/in_context_sequence.hpp"

namespace ecphory::experiments {
namespace {

struct AmiclExperimentParameters {
  std::int64_t trials = 1000;
};

struct AmiclRecordParameters {
  bool scores = false;
};

const base::ParameterTable<AmiclExperimentParameters>& trials_table() {
  static const auto table = base::ParameterTable<AmiclExperimentParameters>("task").add(
      "trials", &AmiclExperimentParameters::trials, "1", "contexts drawn at each point",
      base::between(1, 4294967295.0));
  return table;
}

const base::ParameterTable<AmiclRecordParameters>& record_table() {
  static const auto table = base::ParameterTable<AmiclRecordParameters>("record").add(
      "scores", &AmiclRecordParameters::scores, "1",
      "also record the score, softmax and argmax matrices of the first trial");
  return table;
}

/// A (keys, queries) matrix as a labelled array over (query, key).
store::LabelledArray matrix(std::string name, const compute::Array<float>& values, std::string long_name) {
  const auto elements = values.elements();
  return {.name = std::move(name),
          .dimensions = {"query", "key"},
          .shape = {static_cast<std::size_t>(values.columns()), static_cast<std::size_t>(values.rows())},
          .values = std::vector<float>(elements.begin(), elements.end()),
          .long_name = std::move(long_name)};
}

store::Dataset run(const base::Point& point, const sweep::RunContext& context) {
  const models::AmiclParameters model = models::amicl_table().read(point);
  const tasks::InContextSequenceParameters task = tasks::in_context_sequence_table().read(point);
  const std::int64_t trials = trials_table().read(point).trials;

  std::int64_t correct = 0;
  double distance = 0;
  for (const models::AmiclOutcome& outcome :
       models::amicl_trials<float>(model, task, context.key, trials, context.deadline)) {
    correct += outcome.correct ? 1 : 0;
    distance += outcome.distance;
  }
  const base::Proportion accuracy = base::wilson_interval(correct, trials);
  store::Dataset result{
      .arrays = {
          store::scalar("accuracy", accuracy.value, "1", "fraction of trials answered with the right label"),
          store::scalar("accuracy_low", accuracy.low, "1", "lower end of the 95% Wilson interval"),
          store::scalar("accuracy_high", accuracy.high, "1", "upper end of the 95% Wilson interval"),
          store::scalar("distance", distance / static_cast<double>(trials), "1",
                        "mean distance of the read-out from the label, in lengths of the label"),
      }};
  if (record_table().read(point).scores) {
    const models::AmiclScores scores = models::amicl_scores(model, task, context.key, 0);
    result.arrays.push_back(matrix("score", scores.score, "similarity of key and query in the first trial"));
    result.arrays.push_back(matrix("softmax", scores.softmax, "softmax of beta times the score over keys"));
    result.arrays.push_back(matrix("argmax", scores.argmax, "1 at the first largest score of each query"));
  }
  return result;
}

double cost(const base::Point& point) {
  const tasks::InContextSequenceParameters task = tasks::in_context_sequence_table().read(point);
  return static_cast<double>(trials_table().read(point).trials) *
         static_cast<double>(task.length * task.dimension);
}

}  // namespace

sweep::Experiment amicl() {
  sweep::Experiment experiment{
      .name = "amicl",
      .title = "Associative memory for in-context learning: accuracy of the published model",
      .parameters = models::amicl().parameters,
      .run = run,
      .cost = cost,
  };
  for (const auto* table : {&trials_table().parameters(), &record_table().parameters()}) {
    experiment.parameters.insert(experiment.parameters.end(), table->begin(), table->end());
  }
  return experiment;
}

}  // namespace ecphory::experiments
