#include "results.hpp"

#include <cmath>

#include "heads.hpp"

namespace ecphory::experiments::icl {

double in_context_accuracy(const std::vector<double>& metrics) { return metrics[3]; }

store::Dataset results(const training::History& history, const RunSettings& run, const RecordSettings& record,
                       const attention::StackShape& stack, const std::string& checkpoint) {
  const std::size_t n = history.size();
  double learned = std::nan("");
  for (std::size_t i = n; i-- > 0;)
    if (in_context_accuracy(history.metrics[i]) >= run.criterion)
      learned = static_cast<double>(history.step[i]);
  std::vector<std::string> sets;
  for (const tasks::TestSet set : kSets) sets.push_back(base::name_of(set));
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
  const auto t = static_cast<std::size_t>(stack.tokens);
  if (record.attention) {
    over_evaluations("first_attention", 2, {"query", "key"}, {t, t},
                     "mean attention of the first layer, on the in-context set");
    over_evaluations("last_attention", 2 + t * t, {"key"}, {t},
                     "mean attention of the last token in the last layer, on the in-context set");
  }
  if (record.heads > 0) {
    const auto layers = static_cast<std::size_t>(stack.layers);
    const auto heads = static_cast<std::size_t>(stack.heads);
    const std::size_t readings = head_readings().size();
    const auto numbered = [](std::size_t last) {
      std::vector<std::int64_t> numbers;
      for (std::size_t i = 1; i <= last; ++i) numbers.push_back(static_cast<std::int64_t>(i));
      return numbers;
    };
    result.arrays.push_back(store::coordinate("layer", numbered(layers), "1", "attention layer"));
    result.arrays.push_back(store::coordinate("head", numbered(heads), "1", "attention head"));
    for (std::size_t i = 0; i < readings; ++i) {
      std::vector<double> values;
      for (const auto& metrics : history.metrics) {
        for (std::size_t h = 0; h < layers * heads; ++h)
          values.push_back(metrics[kSetMetrics + 2 + t * t + t + h * readings + i]);
      }
      result.arrays.push_back({.name = head_readings()[i].name,
                               .dimensions = {"evaluation", "layer", "head"},
                               .shape = {n, layers, heads},
                               .values = std::move(values),
                               .long_name = head_readings()[i].long_name});
    }
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

}  // namespace ecphory::experiments::icl
