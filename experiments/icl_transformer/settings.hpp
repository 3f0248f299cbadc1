#pragma once
// Settings of the experiment beside those of the model, the task and the optimiser.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "ecphory/base/parameters.hpp"
#include "ecphory/tasks/gaussian_mixture.hpp"

namespace ecphory::experiments::icl {

enum class Precision {
  single,
  double_,
  tf32,  ///< single, but products on a GPU round what they multiply to 10 bits
};
std::span<const std::string_view> names(Precision);

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

const base::ParameterTable<RunSettings>& run_table();

struct RecordSettings {
  bool attention = false;
  std::int64_t heads = 0;
};

const base::ParameterTable<RecordSettings>& record_table();

/// What networks are tested on.
inline constexpr std::array kSets = {tasks::TestSet::mixed, tasks::TestSet::in_context,
                                     tasks::TestSet::swapped, tasks::TestSet::in_weights};

}  // namespace ecphory::experiments::icl
