#pragma once
// What the experiment leaves: labelled arrays over its evaluations.

#include <string>

#include "ecphory/attention/shape.hpp"
#include "ecphory/store/dataset.hpp"
#include "ecphory/training/train.hpp"

#include "settings.hpp"

namespace ecphory::experiments::icl {

/// What an evaluation gives, in the order of its numbers: loss and accuracy of each test set, then
/// previous-token and induction strength and mean attention (first layer, column by column; last token in the
/// last layer) on the in-context set; then the readings of the heads where they are recorded.
inline constexpr std::size_t kSetMetrics = 2 * kSets.size();

double in_context_accuracy(const std::vector<double>& metrics);

/// Results as labelled arrays; `checkpoint` is the file of the last state, or empty.
store::Dataset results(const training::History& history, const RunSettings& run, const RecordSettings& record,
                       const attention::StackShape& stack, const std::string& checkpoint);

}  // namespace ecphory::experiments::icl
